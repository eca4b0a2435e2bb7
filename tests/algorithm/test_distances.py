import pytest
import torch
from torch.testing import assert_close

from diiqn_lightning.algorithm.distances import DISTANCES, pairwise, similarity
from diiqn_lightning.errors import InputError

QUERY = torch.tensor([[True, True, False, False]])
REFERENCE = torch.tensor([[True, False, True, False], [True, True, False, False], [False, False, False, False]])


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        ("hamming", [2.0, 0.0, 2.0]),
        ("l2", [2**0.5, 0.0, 2**0.5]),
        ("jaccard", [2 / 3, 0.0, 1.0]),  # two of the three set entries differ; all of two
        ("cosine", [0.5, 0.0, 1.0]),  # one shared of √2 · √2; nothing shared with zeros
    ],
)
def test_distances_by_hand(distance, expected):
    assert_close(pairwise(QUERY, REFERENCE, distance), torch.tensor([expected]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("distance", DISTANCES)
def test_distance_is_symmetric(distance):
    states = torch.rand(6, 20, generator=torch.Generator().manual_seed(1)) < 0.4
    distances = pairwise(states, states, distance)
    assert_close(distances, distances.T, atol=1e-5, rtol=0)


def test_hamming_counts_differing_entries():
    generator = torch.Generator().manual_seed(0)
    left = torch.rand(7, 400, generator=generator) < 0.1
    right = torch.rand(9, 400, generator=generator) < 0.1
    counted = (left[:, None] != right[None]).sum(-1).float()
    assert torch.equal(pairwise(left, right, "hamming"), counted)


def test_two_states_that_differ_in_3_percent_have_similarity_97_percent():
    assert similarity(torch.tensor(12.0), "hamming", 400.0).item() == pytest.approx(0.97)
    assert similarity(torch.tensor(0.03), "cosine", 1.0).item() == pytest.approx(0.97)


def test_refuses_an_unknown_distance():
    with pytest.raises(InputError, match="distance is 'manhattan'"):
        pairwise(QUERY, REFERENCE, "manhattan")
