import pytest
import torch

from diiqn_lightning.errors import InputError
from diiqn_lightning.experts import ExpertStates, NeighbourIndex


def expert(count=60, bits=100, seed=0):
    states = torch.rand(count, bits, generator=torch.Generator().manual_seed(seed)) < 0.1
    return ExpertStates(states, torch.tensor([count // 2, count]))


def brute_force(states, query, neighbours, threshold):
    found = []
    for row in query:
        distances = [
            (int((row != states.states[start]).sum()), transition)
            for transition, start in enumerate(states.transition_starts.tolist())
        ]
        nearest = sorted(distances)[:neighbours]
        found.append([(d, t if 1 - d / row.numel() >= threshold else -1) for d, t in nearest])
    return found


def test_finds_what_brute_force_finds():
    states = expert()
    query = expert(20, seed=1).states
    found = NeighbourIndex(states, "hamming", 4, 0.85).search(query)
    assert found.dtype == torch.int32
    for row, got, expected in zip(query, found.tolist(), brute_force(states, query, 4, 0.85), strict=True):
        # Equal distances may come in any order: compare the distances, and that each is right.
        for index, (distance, transition) in zip(got, expected, strict=True):
            assert (index == -1) == (transition == -1)
            if index >= 0:
                assert int((row != states.observation(torch.tensor([index]))[0]).sum()) == distance


@pytest.mark.parametrize(("threshold", "bits"), [(0.91, 36), (0.67, 132), (0.9, 40), (0.97, 12)])
def test_who_is_as_similar_as_the_threshold_is_a_neighbour(threshold, bits):
    states = ExpertStates(torch.zeros(2, 400, dtype=torch.bool), torch.tensor([2]))
    query = torch.zeros(2, 400, dtype=torch.bool)
    query[0, :bits] = query[1, : bits + 1] = True
    assert NeighbourIndex(states, "hamming", 1, threshold).search(query).flatten().tolist() == [0, -1]


def test_a_state_finds_itself_first():
    states = expert()
    found = NeighbourIndex(states, "hamming", 1, 1.0).search(states.observation(torch.arange(58)))
    assert torch.equal(found[:, 0], torch.arange(58, dtype=torch.int32))


def test_last_states_of_episodes_start_no_transition_and_are_no_neighbours():
    states = expert()
    last = states.states[29:30]
    assert NeighbourIndex(states, "hamming", 1, 1.0).search(last).item() == -1


def test_l2_similarity_is_relative_to_the_datas_extent():
    states = ExpertStates(torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]), torch.tensor([3]))
    index = NeighbourIndex(states, "l2", 1, 0.9)
    assert index.largest == pytest.approx(5.0)  # transitions start at (0, 0) and (3, 4)
    assert index.search(torch.tensor([[0.3, 0.3], [0.4, 0.4]])).flatten().tolist() == [0, -1]


@pytest.mark.parametrize(("neighbours", "threshold"), [(0, 0.9), (-1, 0.9), (1000, 0.9), (1, 1.1), (1, -0.1)])
def test_refuses_values_out_of_range(neighbours, threshold):
    with pytest.raises(InputError):
        NeighbourIndex(expert(), "hamming", neighbours, threshold)
