import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diiqn_lightning.algorithm.bridging import Searches, find_bridges, node_keys
from tests.algorithm.brute_force_bridges import brute_force_bridges


def memory(*edges):
    """(from, to) or (from, to, True for an end) of transitions, the newest first."""
    rows = [(*edge, False)[:3] for edge in edges]
    source, target, terminated = zip(*rows, strict=True)
    return torch.tensor(source), torch.tensor(target), torch.tensor(terminated)


def search(start, *rejoin, last=False):
    """One search; ``last``: the furthest place to rejoin is the episode's last state."""
    places = torch.tensor([rejoin])
    is_end = torch.zeros_like(places, dtype=torch.bool)
    is_end[0, -1] = last
    return Searches(torch.tensor([start]), places, torch.ones_like(is_end), is_end)


def bridge(edges, searches, max_steps=5):
    found = find_bridges(*memory(*edges), searches, max_steps)
    return int(found.length[0]), int(found.offset[0]), [edge for edge in found.edges[0].tolist() if edge >= 0]


def test_the_shortest_way_wins():
    assert bridge([(0, 1), (1, 9), (0, 2), (2, 3), (3, 9)], search(0, 9)) == (2, 1, [0, 1])


def test_of_equally_short_ways_the_one_that_rejoins_furthest():
    assert bridge([(0, 1), (1, 8), (0, 2), (2, 9)], search(0, 8, 9)) == (2, 2, [2, 3])


def test_a_shorter_way_to_a_nearer_place_beats_a_longer_one_to_a_further_place():
    assert bridge([(0, 8), (0, 2), (2, 9)], search(0, 8, 9)) == (1, 1, [0])


def test_of_equal_ways_the_newest_transitions():
    assert bridge([(2, 9), (0, 2), (1, 9), (0, 1), (0, 1)], search(0, 9)) == (2, 1, [1, 0])


def test_no_more_than_k_steps():
    edges = [(0, 1), (1, 2), (2, 9)]
    assert bridge(edges, search(0, 9), max_steps=3) == (3, 1, [0, 1, 2])
    assert bridge(edges, search(0, 9), max_steps=2) == (0, 0, [])


def test_never_across_an_episodes_end():
    assert bridge([(0, 1, True), (1, 9)], search(0, 9)) == (0, 0, [])


def test_an_end_of_the_agents_may_only_rejoin_the_end_of_the_experts():
    assert bridge([(0, 9, True)], search(0, 9)) == (0, 0, [])
    assert bridge([(0, 9, True)], search(0, 9, last=True)) == (1, 1, [0])


def test_rejoining_where_one_starts_is_no_bridge():
    assert bridge([(0, 1), (1, 0), (0, 0)], search(0, 0)) == (0, 0, [])


def test_unknown_places_have_no_bridge():
    assert bridge([(0, 1)], search(5, 6)) == (0, 0, [])
    assert bridge([(0, 1)], search(5, 1)) == (0, 0, [])


def test_all_searches_are_answered_in_their_order():
    places = torch.tensor([[9, 8], [7, 7], [9, 8]])
    exists = torch.tensor([[True, False], [True, True], [True, False]])
    searches = Searches(torch.tensor([0, 0, 0]), places, exists, torch.zeros_like(exists))
    found = find_bridges(*memory((0, 8), (0, 9)), searches, 5)
    assert found.length.tolist() == [1, 0, 1]
    assert found.edges[:, 0].tolist() == [1, -1, 1]


@st.composite
def problems(draw):
    """Memories and searches over few nodes, so that ways cross, repeat and end."""
    nodes = st.integers(0, draw(st.integers(2, 12)))
    edges = draw(st.lists(st.tuples(nodes, nodes, st.booleans()), min_size=1, max_size=60))
    n, count = draw(st.integers(1, 4)), draw(st.integers(1, 6))

    def row(of):
        return st.lists(of, min_size=n, max_size=n)

    def table(of):
        return torch.tensor(draw(st.lists(row(of), min_size=count, max_size=count)))

    start = torch.tensor(draw(st.lists(nodes, min_size=count, max_size=count)))
    return memory(*edges), Searches(start, table(nodes), table(st.booleans()), table(st.booleans()))


@settings(max_examples=300, deadline=None)
@given(problems(), st.integers(1, 6))
def test_the_graph_gives_the_answers_of_brute_force(problem, max_steps):
    edges, searches = problem
    answers = zip(
        find_bridges(*edges, searches, max_steps), brute_force_bridges(*edges, searches, max_steps), strict=True
    )
    for one, other in answers:
        assert torch.equal(one, other)


def test_an_empty_memory_has_no_bridges():
    nothing = torch.zeros(0, dtype=torch.int64)
    assert find_bridges(nothing, nothing, nothing.bool(), search(0, 9), 5).length.tolist() == [0]


# Nodes.


def test_equal_observations_are_one_node_and_others_are_not():
    planes = torch.rand(500, 6, 6, 2) < 0.5
    keys = node_keys(torch.cat([planes, planes]), 0.0)
    assert torch.equal(keys[:500], keys[500:])
    assert len(keys.unique()) == 500


def test_numbers_within_the_tolerance_of_a_nodes_middle_are_one_node():
    states = torch.tensor([[0.0, 1.0], [0.04, 0.96], [0.06, 1.0]])
    same, close, further = node_keys(states, 0.1)
    assert same == close != further
    assert len(node_keys(states, 0.0).unique()) == 3


def test_bytes_within_the_tolerance_are_one_node_too():
    states = torch.tensor([[100], [102], [180]], dtype=torch.uint8)
    same, close, further = node_keys(states, 50.0)
    assert same == close != further
    assert torch.equal(node_keys(states, 50.0), node_keys(states.float(), 50.0))
    assert len(node_keys(states, 0.0).unique()) == 3


def test_each_entry_may_have_a_tolerance_of_its_own():
    states = torch.tensor([[0.0, 0.0], [0.4, 0.0], [0.0, 0.4]])
    same, wide, narrow = node_keys(states, torch.tensor([1.0, 0.1]))
    assert same == wide != narrow


def test_zero_has_no_sign():
    positive, negative = node_keys(torch.tensor([[0.0], [-0.0]]), 0.0)
    assert positive == negative


@pytest.mark.parametrize("rows", [1, 5000])
def test_the_number_of_rows_does_not_matter(rows):
    states = torch.arange(3.0 * rows).view(rows, 3)
    assert torch.equal(node_keys(states, 0.5)[:1], node_keys(states[:1], 0.5))
