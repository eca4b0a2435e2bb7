from types import SimpleNamespace

import pytest
import torch
from tensordict import TensorDict

from diiqn_lightning import keys
from diiqn_lightning.algorithm.distances import pairwise
from diiqn_lightning.algorithm.inference import origin_of
from diiqn_lightning.callbacks.action_inference import NearestTransition
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.errors import InputError
from diiqn_lightning.experts import ExpertDataset, ExpertStates, files

ACTIONS, CHUNK = 3, 8


@pytest.fixture
def expert(tmp_path):
    """Few places, so that transitions are repeated and distances are equal."""
    generator = torch.Generator().manual_seed(0)
    places = torch.rand(6, 12, generator=generator) < 0.3
    walk = torch.randint(6, (40,), generator=generator)
    states = ExpertStates(places[walk], torch.tensor([15, 40]))
    files.save(ExpertDataset(states), tmp_path / "walk.expert")
    return tmp_path / "walk.expert"


def inference(path, rank=0, **options):
    data = ExpertData(str(path))
    trainer = SimpleNamespace(
        callbacks=[data], global_rank=rank, datamodule=SimpleNamespace(num_actions=ACTIONS, discount=0.9)
    )
    nearest = NearestTransition(**options)
    nearest.setup(trainer, SimpleNamespace(discount=0.9), "fit")
    return nearest, data


def chunks_of(count, seed, states):
    """Frames that are sometimes the expert's."""
    generator = torch.Generator().manual_seed(seed)
    own = torch.cat([states.states, torch.rand(20, 12, generator=generator) < 0.3])
    for _ in range(count):
        one, other = (own[torch.randint(len(own), (CHUNK,), generator=generator)] for _ in range(2))
        yield TensorDict(
            {
                keys.OBSERVATION: one,
                keys.NEXT_OBSERVATION: other,
                keys.ACTION: torch.randint(ACTIONS, (CHUNK,), generator=generator),
                keys.REWARD: torch.rand(CHUNK, generator=generator),
                keys.TERMINATED: torch.rand(CHUNK, generator=generator) < 0.5,
            },
            [CHUNK],
        )


def brute_force(frames, states, origin):
    """(distance, origin, frame) of the closest agent transition for each of the expert's."""
    everything = torch.arange(states.num_transitions)
    distance = pairwise(frames[keys.OBSERVATION], states.observation(everything), "hamming")
    distance += pairwise(frames[keys.NEXT_OBSERVATION], states.next_observation(everything), "hamming")
    return [min(zip(column, origin.tolist(), range(len(frames)), strict=True)) for column in distance.T.tolist()]


def test_each_transition_has_the_action_of_the_first_of_the_closest(expert):
    nearest, data = inference(expert)
    chunks = list(chunks_of(6, 1, data.states))
    for chunk in chunks:
        nearest.on_frames(chunk)
    frames, table = torch.cat(chunks), data.table
    for transition, (error, origin, frame) in enumerate(brute_force(frames, data.states, torch.arange(len(frames)))):
        assert table.match.error[transition] == error
        assert table.match.origin[transition] == origin
        assert table.action[transition] == frames[keys.ACTION][frame]
        assert table.reward[transition] == frames[keys.REWARD][frame]
        ended = bool(frames[keys.TERMINATED][frame]) and bool(data.states.is_last[transition])
        assert bool(table.terminated[transition]) == ended
        assert table.certainty[transition] == pytest.approx(max(0.0, 1 - error / 8))


def test_votes_are_those_of_all_equally_close_transitions(expert):
    nearest, data = inference(expert, votes=True)
    chunks = list(chunks_of(20, 2, data.states))
    for chunk in chunks:
        nearest.on_frames(chunk)
    frames, states = torch.cat(chunks), data.states
    everything = torch.arange(states.num_transitions)
    distance = pairwise(frames[keys.OBSERVATION], states.observation(everything), "hamming")
    distance += pairwise(frames[keys.NEXT_OBSERVATION], states.next_observation(everything), "hamming")
    several = 0
    for transition, column in enumerate(distance.T):
        taken = frames[keys.ACTION][column == column.min()]
        votes = torch.bincount(taken, minlength=ACTIONS)
        several += len(taken) > 1
        winners = (votes == votes.max()).nonzero().flatten().tolist()
        first = int(taken[0])
        assert data.table.action[transition] == (first if first in winners else winners[0])
        share = float(votes.max()) / len(taken)
        assert data.table.certainty[transition] == pytest.approx(max(0.0, 1 - float(column.min()) / 8) * share)
    assert several > 20


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("votes", [False, True])
def test_of_equally_close_transitions_of_several_ranks_the_lowest_ranks_stays(expert, rank, votes):
    """The frames that come after a merge tie with the other rank's, which came before."""
    (nearest, data), (other, others) = inference(expert, rank, votes=votes), inference(expert, 1 - rank, votes=votes)
    before, after = torch.cat(list(chunks_of(6, 3, data.states))), torch.cat(list(chunks_of(6, 4, data.states)))
    other.on_frames(before)

    def gather(own):
        mine, theirs = (side._gathered[len(calls)] for side in (data, others))
        calls.append(own)
        return torch.stack([mine, theirs] if rank == 0 else [theirs, mine])

    calls = []
    for side, callback in ((data, nearest), (others, other)):
        side._gathered = [*side.table.match, *(callback._ballot if votes else ())]
        side._gathered = [part.clone() for part in side._gathered]
    nearest.merge_ranks(gather, rank)
    assert torch.equal(data.table.match.error, others.table.match.error)
    nearest.on_frames(after)
    both = torch.cat([before, after])
    origins = torch.cat([origin_of(0, len(before), 1 - rank), origin_of(0, len(after), rank)])
    for transition, (error, origin, _) in enumerate(brute_force(both, data.states, origins)):
        assert (data.table.match.error[transition], data.table.match.origin[transition]) == (error, origin)


@pytest.mark.parametrize("votes", [False, True])
def test_taking_up_its_state_goes_on_as_if_nothing_had_happened(expert, votes):
    (one, data), (other, others) = inference(expert, votes=votes), inference(expert, votes=votes)
    chunks = list(chunks_of(10, 5, data.states))
    for chunk in chunks[:5]:
        one.on_frames(chunk)
    others.table.load_state(data.table.state())
    other.load_rank_state(one.rank_state())
    for chunk in chunks[5:]:
        other.on_frames(chunk)
    fresh, whole = inference(expert, votes=votes)
    for chunk in chunks:
        fresh.on_frames(chunk)
    for name, part in whole.table.match._asdict().items():
        assert torch.equal(part, getattr(others.table.match, name)), name
    assert torch.equal(whole.table.action, others.table.action)
    assert torch.equal(whole.table.certainty, others.table.certainty)


def test_an_unknown_backend_is_refused_in_one_sentence():
    with pytest.raises(InputError, match=r"action_inference\.backend is 'fast': choose one of exact, faiss"):
        NearestTransition(backend="fast")
