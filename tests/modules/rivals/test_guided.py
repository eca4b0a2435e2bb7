from types import SimpleNamespace

import pytest
import torch

from diiqn_lightning import keys
from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.errors import InputError
from diiqn_lightning.modules import DAI, JSRL
from diiqn_lightning.modules.labelling import LabellerSettings
from diiqn_lightning.modules.rivals import jsrl
from diiqn_lightning.modules.rivals.cloning import CloneSettings

NEVER = LinearSchedule(0.0, 0.0, 1)
LENGTHS = torch.tensor([0, 5, 12])


def fixed(action):
    """A network that always prefers an action."""
    return lambda observation: torch.nn.functional.one_hot(torch.full((len(observation),), action), 2).float()


def make(kind, **options):
    torch.manual_seed(0)
    module = kind((2,), 2, exploration=NEVER, guide_from=100, clone=CloneSettings(exploration=0.0), **options)
    module.online.forward, module.clone.forward = fixed(0), fixed(1)
    return module


def acts(module, frames, environments=3):
    return module.act(torch.zeros(environments, 2), frames, torch.Generator().manual_seed(0))


def test_the_clone_acts_as_often_as_alpha_says():
    module = make(DAI, interpolation=LinearSchedule(0.5, 0.0, 1000))
    assert acts(module, 99, 4000).sum() == 0
    assert abs(float(acts(module, 100, 4000).float().mean()) - 0.45) < 0.03
    assert acts(module, 1000, 4000).sum() == 0


def test_the_clone_begins_episodes_for_ever_fewer_steps(stepper):
    module = make(JSRL, stages=2, stage_frames=50, tolerance=0.1)
    run = stepper(module)
    stream = run.stream
    stream.running_lengths = LENGTHS

    def ends(returned, count=20):
        stream.episodes += count
        stream.recent_returns += [returned] * count
        stream.recent_lengths += [12] * count

    ends(99.0, 40)  # the agent's own, before the clone began
    assert acts(module, 100).tolist() == [1, 1, 1]  # how long its episodes are is not known yet
    ends(99.0, 3)  # begun by the agent
    ends(10.0)
    assert acts(module, 149).tolist() == [1, 1, 1]
    assert acts(module, 150).tolist() == [1, 1, 0]  # H = 12, h = 6
    assert acts(module, 200).tolist() == [1, 1, 0]  # no episode has ended since
    ends(8.9)  # too far below 10
    assert acts(module, 250).tolist() == [1, 1, 0]
    ends(9.1)
    assert acts(module, 300).tolist() == [0, 0, 0]
    assert module.best_return == 10


def test_the_curriculum_goes_on_with_a_stream_that_has_begun_anew(stepper):
    module = make(JSRL, stages=2, stage_frames=50)
    stream = stepper(module).stream
    stream.running_lengths = LENGTHS
    module.episodes_before = 5000  # of the checkpoint; with fresh data nothing has ended yet
    acts(module, 100)
    stream.episodes, stream.recent_returns, stream.recent_lengths = 23, [10.0] * 23, [12] * 23
    assert acts(module, 150).tolist() == [1, 1, 0]


def test_another_expert_begins_another_curriculum(stepper):
    module = make(JSRL, stages=2, stage_frames=50)
    stream = stepper(module).stream
    stream.running_lengths = LENGTHS
    acts(module, 100)
    stream.episodes, stream.recent_returns, stream.recent_lengths = 23, [10.0] * 23, [12] * 23
    assert acts(module, 150).tolist() == [1, 1, 0]
    module.forget_expert(160)
    assert acts(module, 180).tolist() == [1, 1, 1]
    assert (module.stage, module.horizon, module.best_return) == (0, 0.0, 0.0)


def test_a_stage_of_the_agents_ends_when_patience_does(stepper):
    module = make(JSRL, stages=2, stage_frames=50, patience=100)
    stream = stepper(module).stream
    stream.running_lengths = LENGTHS
    acts(module, 100)
    stream.episodes, stream.recent_returns, stream.recent_lengths = 23, [10.0] * 23, [12] * 23
    assert acts(module, 150).tolist() == [1, 1, 0]
    # Nothing ends any more: neither a return nor their number would lead on.
    assert acts(module, 249).tolist() == [1, 1, 0]
    assert acts(module, 250).tolist() == [0, 0, 0]
    assert module.best_return == 10


def test_patience_is_no_shorter_than_a_stage():
    with pytest.raises(InputError, match=r"model\.patience is 40"):
        make(JSRL, stage_frames=50, patience=40)


def test_how_probable_an_action_was_is_that_of_who_acted(stepper):
    module = make(DAI, interpolation=LinearSchedule(0.5, 0.5, 1))
    module.clone_settings = CloneSettings(exploration=0.2)
    observation = torch.zeros(2, 2)
    # The agent, at ε = 0, takes 0; the clone takes 1, and at random one of both in a fifth of the cases.
    probability = module.behaviour_probability(observation, torch.tensor([0, 1]), 100)
    torch.testing.assert_close(probability, torch.tensor([0.5 * 1 + 0.5 * 0.1, 0.5 * 0.9]))


def test_the_curriculum_survives_a_checkpoint(stepper):
    module = make(JSRL)
    module.horizon, module.stage, module.best_return, module.stage_began, module.episodes_before = 12.0, 3, 4.5, 700, 9
    checkpoint = {}
    module.on_save_checkpoint(checkpoint)
    other = make(JSRL)
    other.on_load_checkpoint(checkpoint)
    restored = (other.horizon, other.stage, other.best_return, other.stage_began, other.episodes_before)
    assert restored == (12.0, 3, 4.5, 700, 9)


@pytest.mark.parametrize("kind", [DAI, JSRL])
def test_clone_and_inverse_model_learn_beside_the_network(kind, batch, stepper):
    torch.manual_seed(0)
    module = kind((2,), 2, clone=CloneSettings(hidden=[16], learning_rate=1e-2))
    run = stepper(module)
    for _ in range(150):
        run.step(batch)
    expert, agent = batch[keys.EXPERT].flatten(0, 1), batch.flatten(0, 1)
    assert torch.equal(module.clone(expert["observation"]).argmax(1), expert["action"])
    labels = module.labeller.label(agent[keys.OBSERVATION], agent[keys.NEXT_OBSERVATION])
    assert torch.equal(labels.action, agent[keys.ACTION])


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        (DAI, {"interpolation": LinearSchedule(1.5, 0.0, 10)}, "model.interpolation.start is 1.5"),
        (JSRL, {"stages": 0}, "model.stages is 0"),
        (JSRL, {"stage_frames": 0}, "model.stage_frames is 0"),
        (JSRL, {"tolerance": 2.0}, "model.tolerance is 2"),
    ],
)
def test_wrong_settings(kind, options, sentence):
    with pytest.raises(InputError, match=sentence):
        kind((2,), 2, **options)


def test_a_mixture_that_leaves_some_actions_out_teaches_nothing_about_actions(stepper):
    settings = LabellerSettings(largest_action_weight=5)
    module = make(DAI, interpolation=LinearSchedule(0.5, 0.5, 1), labeller=settings)
    observation, actions = torch.zeros(2, 2), torch.tensor([0, 1])
    # Clone and agent, at ε = 0, take one action each; the least probable one has ½ · 0.1 / 2, and weighs 20.
    module.clone_settings = CloneSettings(exploration=0.1)
    assert module.behaviour_probability(observation, actions, 100).tolist() == [1, 1]
    # ½ · 0.5 / 2 = 0.125, a weight of 4.
    module.clone_settings = CloneSettings(exploration=0.5)
    assert bool((module.behaviour_probability(observation, actions, 100) < 1).all())


def test_each_rank_goes_on_counting_its_own_episodes(monkeypatch):
    module, checkpoint = make(JSRL), {}
    module.episodes_before = 9
    module._trainer = SimpleNamespace(world_size=2, global_rank=1)
    # As of a sum over both: rank 0 has counted 4.
    monkeypatch.setattr(jsrl, "total_over_ranks", lambda module, own: own + torch.tensor([4, 0]))
    module.on_save_checkpoint(checkpoint)
    for place, expected in (((2, 0), 4), ((2, 1), 9), ((4, 1), -1)):
        other = make(JSRL)
        other._trainer = SimpleNamespace(world_size=place[0], global_rank=place[1])
        other.on_load_checkpoint(checkpoint)
        assert other.episodes_before == expected


def test_a_checkpoint_of_before_has_the_first_ranks_count():
    module, checkpoint = make(JSRL), {}
    module.on_save_checkpoint(checkpoint)
    del checkpoint["episodes_before"]
    checkpoint["curriculum"].append(9)
    for ranks, expected in ((1, 9), (2, -1)):
        other = make(JSRL)
        other._trainer = SimpleNamespace(world_size=ranks, global_rank=0)
        other.on_load_checkpoint(checkpoint)
        assert other.episodes_before == expected
