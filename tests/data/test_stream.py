import pytest
import torch

from diiqn_lightning import keys
from diiqn_lightning.data import FrameStream, Replay
from diiqn_lightning.envs import make_env
from diiqn_lightning.errors import InputError


class RandomActor:
    """Uniform actions; remembers when it was asked."""

    def __init__(self, num_actions=2):
        self.num_actions, self.asked_at = num_actions, []

    def act(self, observation, frames, generator):
        self.asked_at.append(frames)
        return torch.randint(self.num_actions, (len(observation),), generator=generator)


class FrameActor:
    """Actions that tell when they were asked for; notes what it was asked."""

    def act(self, observation, frames, generator):
        return torch.full((len(observation),), frames // 4 % 2)

    def on_actions(self, chosen):
        chosen.set(keys.BEHAVIOUR_PROBABILITY, chosen[keys.ACTION] / 2)


def make_stream(env_id="Corridor-v0", num_envs=4, num_actions=2, workers=0, **changes):
    settings = dict(
        batch_size=8,
        frames_per_update=2,
        learning_starts=20,
        frames_per_epoch=100,
        max_frames=250,
        ranks=1,
        seed=0,
    )
    env = make_env(env_id, num_envs, workers=workers)
    stream = FrameStream(env, Replay(5000, None, 0), **(settings | changes))
    stream.actor = RandomActor(num_actions)
    return stream


def test_frames_after_the_last_update_are_made_as_well():
    stream = make_stream(frames_per_update=32, max_frames=100)  # updates at 52 and 84
    assert len(list(stream.begin_epoch())) == 2
    assert stream.finished
    assert stream.frames == 84
    stream.collect_rest()
    assert (stream.frames, stream.updates, len(stream)) == (100, 2, 0)


def test_a_batch_holds_the_updates_that_its_frames_call_for():
    stream = make_stream()
    seen = 0
    for batch in stream.begin_epoch():
        seen += batch.batch_size[0]
        assert batch.batch_size == (2, 8)
        assert seen == stream.updates == (stream.frames - 20) // 2


def test_fewer_frames_than_an_update_needs_are_collected_on():
    stream = make_stream(frames_per_update=10)
    for batch in stream.begin_epoch():
        assert batch.batch_size == (1, 8)
        assert stream.updates == (stream.frames - 20) // 10


def test_a_stream_that_counts_on_from_another_collects_before_it_yields():
    stream = make_stream()
    stream.begin_anew(frames=101, updates=40)
    announced, batches = len(stream.begin_epoch()), list(stream)
    assert len(batches) == announced > 0
    assert batches[0].batch_size == (2, 8)
    # From 104 frames, 101 in whole chunks, 20 are collected, and every second one after that is worth an update.
    assert stream.epoch_finished
    assert (stream.frames, stream.updates) == (200, 40 + (200 - 124) // 2)
    again = make_stream()
    again.load_state(stream.state())
    assert again.updates_due(250) == stream.updates_due(250) == 40 + (250 - 124) // 2


def test_epochs_end_at_whole_chunks_from_multiples_of_frames_on_and_the_last_at_the_runs_end():
    stream, ends = make_stream(frames_per_epoch=90), []
    while not stream.finished:
        announced = len(stream.begin_epoch())
        batches = sum(1 for _ in stream)
        assert announced == batches > 0
        ends.append((stream.frames, stream.updates))
    assert ends == [(92, 36), (180, 80), (252, 116)]
    assert len(stream.begin_epoch()) == 0


def test_an_epoch_that_was_left_goes_on_to_the_same_end():
    stream = make_stream()
    for count, _ in enumerate(stream.begin_epoch(), start=1):
        if count == 7:
            break
    rest = len(stream.begin_epoch())
    assert sum(1 for _ in stream) == rest
    assert stream.frames == 100


def test_frames_count_all_ranks():
    stream = make_stream(ranks=2)
    next(iter(stream.begin_epoch()))
    assert stream.frames == 24
    assert len(stream.replay) == 12


@pytest.mark.parametrize(("ranks", "share"), [(1, 100), (3, 34)])
def test_ranks_together_look_back_on_as_many_episodes(ranks, share):
    stream = make_stream(ranks=ranks)
    stream.recent_returns.extend(range(200))
    assert list(stream.recent_returns) == list(range(200 - share, 200))


def test_the_actor_is_told_the_frames_before_its_own():
    stream = make_stream()
    for _ in stream.begin_epoch():
        pass
    assert stream.actor.asked_at == list(range(0, 100, 4))


@pytest.mark.parametrize("env_id", ["Corridor-v0", "MinAtar/Breakout-v1", "CartPole-v1"])
def test_no_stored_transition_crosses_an_episodes_end(env_id):
    """Each stored pair must be one step of one episode: replay them in a fresh environment."""
    num_actions = 3 if "Breakout" in env_id else 2
    stream = make_stream(env_id, num_actions=num_actions)
    seen = []

    class Watcher:
        def on_frames(self, frames):
            seen.append(frames.clone())

    stream.observers = [Watcher()]
    for _ in range(300):
        stream.collect()
    fresh = make_env(env_id, stream.num_envs)
    for index, env in enumerate(fresh._env.envs):
        episode_starts, running = 0, False
        for frames in seen:
            if not running:
                observation, running = env.reset()[0], True
                episode_starts += 1
            assert torch.equal(frames[keys.OBSERVATION][index], torch.as_tensor(observation))
            observation, reward, terminated, truncated, _ = env.step(int(frames[keys.ACTION][index]))
            assert torch.equal(frames[keys.NEXT_OBSERVATION][index], torch.as_tensor(observation))
            assert frames[keys.REWARD][index] == pytest.approx(float(reward))
            assert bool(frames[keys.TERMINATED][index]) == terminated
            running = not (terminated or truncated)
        assert episode_starts > 5


def test_a_truncated_episode_is_not_terminated_and_keeps_its_last_state():
    stream = make_stream(num_envs=1)
    stream.actor.act = lambda observation, frames, generator: torch.zeros(len(observation), dtype=torch.int64)
    for _ in range(20):
        stream.collect()
    last = stream.replay._buffer[19]
    assert not last[keys.TERMINATED]
    assert last[keys.NEXT_OBSERVATION][-1] == 1  # step 20 of 20, not the next episode's 0
    assert list(stream.recent_lengths) == [20]


def test_returns_are_those_of_finished_episodes():
    stream = make_stream(num_envs=2)
    stream.actor.act = lambda observation, frames, generator: torch.ones(len(observation), dtype=torch.int64)
    for _ in range(7):
        stream.collect()
    assert stream.episodes == 4
    assert list(stream.recent_returns) == [1.0] * 4
    assert list(stream.recent_lengths) == [3] * 4


def test_what_an_observer_adds_is_stored_beside_the_frame():
    class Adds:
        def on_frames(self, frames):
            frames.set(keys.NEIGHBOURS, (20 * frames[keys.OBSERVATION][:, -1:]).int())

    stream = make_stream()
    stream.observers = [Adds()]
    batch = next(iter(stream.begin_epoch()))
    assert torch.equal(batch[keys.NEIGHBOURS], (20 * batch[keys.OBSERVATION][..., -1:]).int())


OVERLAP = {"workers": 2, "overlap": True}


@pytest.mark.parametrize("overlap", [{}, OVERLAP])
def test_a_restored_stream_goes_on_bit_by_bit(overlap):
    stream = make_stream("MinAtar/Breakout-v1", num_actions=3, **overlap)
    stream.action_observers = [FrameActor()]
    for count, _ in enumerate(stream.begin_epoch()):
        if count == 12:
            break
    restored = make_stream("MinAtar/Breakout-v1", num_actions=3, seed=77, **overlap)
    restored.action_observers = [FrameActor()]
    restored.load_state(stream.state())

    def rest(stream):
        # Leaving the loop above after a batch is where a checkpoint stands.
        return [batch.clone() for batch in stream.begin_epoch()], stream.frames, list(stream.recent_returns)

    (batches, *facts), (again, *facts_again) = rest(stream), rest(restored)
    assert facts == facts_again
    assert len(batches) == len(again) == 7
    for one, other in zip(batches, again, strict=True):
        assert bool((one == other).all())


def test_a_step_goes_on_while_the_last_ones_updates_are_made():
    stream = make_stream(**OVERLAP)
    stream.actor, stream.action_observers = FrameActor(), [FrameActor()]
    for _ in stream.begin_epoch():
        assert stream.steps.is_begun
        newest = stream.replay._buffer[len(stream.replay) - 1]
        assert newest[keys.ACTION] == (stream.frames // 4 - 1) % 2
        assert newest[keys.BEHAVIOUR_PROBABILITY] == newest[keys.ACTION] / 2
    assert stream.frames == 100
    stream.steps.close()


def test_a_step_that_fails_can_be_made_again():
    stream = make_stream()
    step, stream.steps.env.step_and_maybe_reset = stream.steps.env.step_and_maybe_reset, None
    with pytest.raises(InputError, match="an environment that raised"):
        stream.collect()
    stream.steps.env.step_and_maybe_reset = step
    assert not stream.steps.is_begun
    stream.collect()
    assert stream.frames == 4


def test_frames_are_the_same_whether_steps_overlap_updates_or_not():
    def batches(**overlap):
        stream = make_stream("MinAtar/Breakout-v1", num_actions=3, **overlap)
        return [batch.clone() for batch in stream.begin_epoch()]

    one, other = batches(), batches(**OVERLAP)
    assert len(one) == len(other) == 20
    assert all(bool((a == b).all()) for a, b in zip(one, other, strict=True))


def test_says_when_an_environment_does_not_repeat_itself():
    stream = make_stream()
    for _ in range(10):
        stream.collect()
    state = stream.state()
    state["observation"] = state["observation"] + 1
    with pytest.warns(UserWarning, match="does not repeat its episodes"):
        make_stream().load_state(state)
