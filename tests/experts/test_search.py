import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diiqn_lightning.algorithm.distances import pairwise
from diiqn_lightning.errors import InputError
from diiqn_lightning.experts import ExpertStates, NeighbourIndex, distance_rows, exact_search
from diiqn_lightning.experts.distinct import DistinctTransitions
from diiqn_lightning.experts.faiss_search import import_faiss
from diiqn_lightning.experts.search import just_above
from diiqn_lightning.experts.searches import ExpertSearches, build_search


def binary(count, entries, density, generator):
    return torch.rand(count, entries, generator=generator) < density


def real(count, entries, density, generator):
    """Few values, so that ties happen and sums are exact."""
    return (torch.rand(count, entries, generator=generator) < density).float() * 3


@st.composite
def problems(draw, kind):
    """An expert that repeats itself, and an agent that goes step by step, now and then where the expert was."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    entries, density = draw(st.sampled_from([1, 7, 64, 65, 200])), draw(st.sampled_from([0.02, 0.1, 0.5, 0.98]))
    places = kind(draw(st.integers(1, 30)), entries, density, generator)
    lengths = draw(st.lists(st.integers(2, 12), min_size=1, max_size=5))
    walk = torch.randint(len(places), (sum(lengths),), generator=generator)
    expert = ExpertStates(places[walk], torch.tensor(lengths).cumsum(0))
    agent = torch.cat([kind(6, entries, density, generator), places[:6], kind(4, entries, 1 - density, generator)])
    steps = torch.randint(len(agent), (13,), generator=generator)
    return expert, agent[steps[:-1]], agent[steps[1:]]


def distances_of_all(expert, own, following, distance):
    """D of each agent transition from each expert transition, ``[F, N]``."""
    everything = torch.arange(expert.num_transitions)
    first, second = expert.observation(everything), expert.next_observation(everything)
    return pairwise(own, first, distance) + pairwise(following, second, distance)


def check_closer(expert, own, following, distance, ties):
    """In two chunks, so that what the first one leaves behind counts."""
    search = build_search(DistinctTransitions(expert), distance)
    everything = distances_of_all(expert, own, following, distance)
    limit = search.limits(np.full(expert.num_transitions, 6, np.float32))
    least = torch.full((expert.num_transitions,), 6.0)
    for start in (0, 7):
        part = slice(start, start + 7)
        found = search.closer(own[part], following[part], limit, ties=ties)
        got = set()
        for position, frame, away in zip(*(column.tolist() for column in found), strict=True):
            equals, _ = search.distinct.transitions.members_of(np.array([position]))
            got |= {(frame, transition, away) for transition in equals.tolist()}
        expected = set()
        for frame, row in enumerate(everything[part]):
            reached = torch.isfinite(least) & (least < 6)
            wanted = (row < least) | (ties & reached & (row == least))
            expected |= {(frame, at, float(row[at])) for at in wanted.nonzero().flatten().tolist()}
            least = torch.minimum(least, row)
        assert got == expected
        above = just_above(least.numpy()) if ties else least.numpy()
        expected_limit = np.where(least.numpy() < 6, above, 6)
        assert np.array_equal(limit[search.distinct.position_of], expected_limit)


def check_neighbours(expert, own, distance, neighbours, threshold):
    index = NeighbourIndex(expert, distance, neighbours, threshold)
    scale = index.largest if distance in ("hamming", "l2") else 1.0
    away = pairwise(own, expert.observation(torch.arange(expert.num_transitions)), distance)
    for row, found in zip(away, index.search(own).tolist(), strict=True):
        nearest = sorted((value, number) for number, value in enumerate(row.tolist()))[:neighbours]
        similar = [bool(1 - torch.tensor(value) / scale >= threshold) for value, _ in nearest]
        expected = [number if close else -1 for (_, number), close in zip(nearest, similar, strict=True)]
        assert found == expected


BINARY, REAL = problems(binary), problems(real)


@pytest.mark.parametrize("distance", ["hamming", "jaccard"])
@given(problem=BINARY, ties=st.booleans())
@settings(max_examples=40, deadline=None)
def test_what_is_closer_among_binary_states_is_what_brute_force_finds(distance, problem, ties):
    check_closer(*problem, distance, ties)


@given(problem=REAL, ties=st.booleans())
@settings(max_examples=40, deadline=None)
def test_what_is_closer_among_real_states_is_what_brute_force_finds(problem, ties):
    check_closer(*problem, "l2", ties)


@pytest.mark.parametrize("distance", ["hamming", "jaccard", "l2"])
@given(problem=BINARY, neighbours=st.integers(1, 6), threshold=st.sampled_from([0.0, 0.5, 0.9, 1.0]))
@settings(max_examples=25, deadline=None)
def test_neighbours_are_those_of_brute_force_and_of_equally_near_ones_the_first(
    distance, problem, neighbours, threshold
):
    expert, own, _ = problem
    own, states = (own, expert.states) if distance != "l2" else (own.float(), expert.states.float())
    expert = ExpertStates(states, expert.episode_ends)
    check_neighbours(expert, own, distance, min(neighbours, expert.num_transitions), threshold)


@pytest.mark.parametrize("distance", ["hamming", "jaccard"])
@given(problem=BINARY)
@settings(max_examples=15, deadline=None)
def test_distance_to_the_nearest_transition(distance, problem):
    expert, own, following = problem
    found = build_search(DistinctTransitions(expert), distance).distance_of(own, following)
    assert torch.equal(found, distances_of_all(expert, own, following, distance).amin(1))


def test_the_euclidean_distance_to_the_nearest_transition_is_that_of_both_states_together():
    generator = torch.Generator().manual_seed(0)
    expert = ExpertStates(torch.randn(60, 5, generator=generator), torch.tensor([20, 60]))
    own, following = torch.randn(30, 5, generator=generator), torch.randn(30, 5, generator=generator)
    starts = torch.cat([torch.arange(19), torch.arange(20, 59)])
    pairs = torch.cat([expert.states[starts], expert.states[starts + 1]], 1)
    expected = torch.cdist(torch.cat([own, following], 1), pairs).amin(1)
    found = build_search(DistinctTransitions(expert), "l2").distance_of(own, following)
    torch.testing.assert_close(found, expected)


def test_cosine_finds_what_brute_force_finds_but_for_rounding():
    generator = torch.Generator().manual_seed(0)
    expert = ExpertStates(torch.randn(300, 20, generator=generator), torch.tensor([100, 300]))
    own, following = torch.randn(50, 20, generator=generator), torch.randn(50, 20, generator=generator)
    search = build_search(DistinctTransitions(expert), "cosine")
    limit = search.limits(np.full(expert.num_transitions, np.inf, np.float32))
    search.closer(own, following, limit)
    everything = distances_of_all(expert, own, following, "cosine")
    torch.testing.assert_close(torch.from_numpy(limit[search.distinct.position_of]), everything.amin(0))
    torch.testing.assert_close(search.distance_of(own, following), everything.amin(1))
    nearest = NeighbourIndex(expert, "cosine", 3, 0.0, search=search).search(own)
    away = pairwise(own, expert.observation(torch.arange(298)), "cosine")
    assert torch.equal(
        nearest.long(), torch.where(away.topk(3, largest=False)[0] <= 1, away.topk(3, largest=False)[1], -1)
    )


@pytest.mark.parametrize("density", [0.03, 0.5])
@pytest.mark.parametrize("unpacked_bytes", [0, 1 << 30], ids=["packed columns", "columns of bytes"])
def test_distances_beyond_a_bytes_range_and_columns_of_both_kinds(monkeypatch, density, unpacked_bytes):
    monkeypatch.setattr(distance_rows, "UNPACKED_BYTES", unpacked_bytes)
    generator = torch.Generator().manual_seed(0)
    expert = ExpertStates(binary(80, 900, density, generator), torch.tensor([80]))
    rows = distance_rows.distance_rows(expert.states, "hamming")
    sparse, few_changes = binary(4, 900, 0.03, generator), expert.states[:4].clone()
    few_changes[:, :3] ^= True
    # The third and the last need more than a byte, and come after some that do not.
    for own in (sparse, few_changes, ~sparse, sparse, ~few_changes, sparse):
        expected = pairwise(own, expert.states, "hamming")
        assert np.array_equal(np.stack(rows.of(own)).astype(np.float32), expected.numpy())


@pytest.mark.parametrize("entries", [30, 900])
@pytest.mark.parametrize("distance", ["l2", "cosine", "jaccard"])
def test_distances_of_binary_observations_follow_from_their_differing_entries(distance, entries):
    generator = torch.Generator().manual_seed(0)
    states = binary(80, entries, 0.2, generator)
    states[7] = False
    own = torch.cat([binary(5, entries, 0.2, generator), states[5:9], ~states[:2]])
    rows = distance_rows.distance_rows(states, distance)
    assert isinstance(rows, distance_rows.BinaryRows)
    of_own = torch.from_numpy(np.stack(rows.of(own)))
    torch.testing.assert_close(of_own, pairwise(own, states, distance), rtol=0, atol=0 if distance == "l2" else 1e-6)
    assert of_own[5:9, 5:9].diag().tolist() == [0, 0, 1 if distance == "cosine" else 0, 0]


def test_what_is_looked_up_one_by_one_is_what_one_pass_collects(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    expert = ExpertStates(binary(205, 30, 0.1, generator), torch.tensor([205]))
    agent = binary(41, 30, 0.1, generator)
    own, following = agent[:-1], agent[1:]
    for few in (0, 3, 1 << 30):
        monkeypatch.setattr(exact_search, "FEW", few)
        check_closer(expert, own[:14], following[:14], "hamming", ties=True)
        check_neighbours(expert, own, "hamming", 5, 0.5)


@pytest.mark.parametrize("distance", ["hamming", "l2", "jaccard", "cosine"])
def test_an_agent_that_stays_gets_the_same_answer_to_the_same_question(distance):
    generator = torch.Generator().manual_seed(0)
    expert = ExpertStates(binary(205, 30, 0.1, generator), torch.tensor([205]))
    search, agent = build_search(DistinctTransitions(expert), distance), binary(6, 30, 0.1, generator)
    for staying, count, within in ((6, 5, 9.0), (4, 5, 9.0), (4, 3, 9.0), (4, 5, 2.0), (4, 5, 9.0)):
        agent[staying:] = binary(6 - staying, 30, 0.1, generator)
        anew = build_search(DistinctTransitions(expert), distance)
        for known, new in zip(
            search.nearest_states(agent, count, within), anew.nearest_states(agent, count, within), strict=True
        ):
            assert np.array_equal(known, new)


@pytest.mark.parametrize("distance", ["hamming", "jaccard"])
def test_observations_of_very_many_entries(distance):
    generator = torch.Generator().manual_seed(0)
    expert = ExpertStates(binary(10, 20_000, 0.9, generator), torch.tensor([10]))
    agent = binary(3, 20_000, 0.9, generator)
    check_neighbours(expert, agent, distance, 3, 0.5)
    search = build_search(DistinctTransitions(expert), distance)
    limit = search.limits(np.full(9, np.inf, np.float32))
    search.closer(agent[:-1], agent[1:], limit)
    least = distances_of_all(expert, agent[:-1], agent[1:], distance).amin(0)
    torch.testing.assert_close(torch.from_numpy(limit[search.distinct.position_of]), least)


def test_equal_transitions_are_kept_once_and_found_for_all():
    cells = torch.tensor([0, 1, 2, 0, 1, 3, 1, 2, 0, 1])
    expert = ExpertStates(torch.eye(4, dtype=torch.bool)[cells], torch.tensor([6, 10]))
    distinct = DistinctTransitions(expert)
    assert len(distinct.starts) == 4  # 0 → 1, 1 → 2, 2 → 0, 1 → 3
    everything = torch.arange(expert.num_transitions)
    assert torch.equal(distinct.states[distinct.position_of], expert.observation(everything))
    assert torch.equal(distinct.states[distinct.position_of + 1], expert.next_observation(everything))


def test_both_zeros_are_one_state():
    expert = ExpertStates(torch.tensor([[0.0], [1.0], [-0.0], [1.0]]), torch.tensor([2, 4]))
    assert len(DistinctTransitions(expert).starts) == 1


def test_searches_are_built_once_for_a_distance():
    searches = ExpertSearches(ExpertStates(torch.eye(4, dtype=torch.bool), torch.tensor([4])))
    one = searches.get("hamming", "exact", "backend")
    assert searches.get("hamming", "exact", "backend") is one
    assert searches.get("jaccard", "exact", "backend").distinct is one.distinct


def test_an_unknown_backend_is_refused_in_one_sentence():
    searches = ExpertSearches(ExpertStates(torch.eye(4, dtype=torch.bool), torch.tensor([4])))
    with pytest.raises(InputError, match=r"expert_sampling\.backend is 'annoy': choose one of exact, faiss"):
        searches.get("hamming", "annoy", "expert_sampling.backend")


class TestFaiss:
    """Approximate: what is found is right, and nearly all of it is found."""

    @pytest.fixture(autouse=True)
    def _installed(self):
        try:
            import_faiss()
        except ImportError:
            pytest.skip("faiss is not installed: it comes with the extra faiss")

    @staticmethod
    def search(kind, distance, count=4_000, entries=100):
        generator = torch.Generator().manual_seed(0)
        steps = kind(count, entries, 0.02, generator)
        # A walk: states that follow each other are alike.
        states = steps.cumsum(0) % 2 == 1 if distance == "hamming" else steps.cumsum(0) % 5
        expert = ExpertStates(states, torch.tensor([count // 2, count]))
        noise = kind(64, entries, 0.02, generator)
        at = torch.randint(count // 2 - 1, (64,), generator=generator)
        change = (lambda state: state ^ noise) if distance == "hamming" else (lambda state: state + noise)
        return expert, change(expert.observation(at)), change(expert.next_observation(at))

    @pytest.mark.parametrize(("kind", "distance"), [(binary, "hamming"), (real, "l2")])
    def test_most_of_what_is_near_is_found_and_its_distance_is_right(self, kind, distance):
        expert, own, following = self.search(kind, distance)
        searches = ExpertSearches(expert)
        (exact, approximate) = (searches.get(distance, backend, "backend") for backend in ("exact", "faiss"))
        limits = []
        for search in (exact, approximate):
            limit = search.limits(np.full(expert.num_transitions, np.inf, np.float32))
            found = search.closer(own, following, limit, within=10)
            limits.append(limit[search.distinct.starts])
        everything = distances_of_all(expert, own, following, distance)
        transitions = exact.distinct.transitions.first(1).members_of(found.position)[0]
        expected = everything[torch.from_numpy(found.frame), torch.from_numpy(transitions)]
        torch.testing.assert_close(torch.from_numpy(found.distance), expected)
        assert bool((limits[1] >= limits[0] - 1e-4).all())
        close = limits[0] <= 10
        assert close.sum() > 10
        assert np.isclose(limits[0], limits[1])[close].mean() > 0.9
        # Farther ones are not looked for, and nothing is said of them.
        assert not np.isfinite(limits[1][~close]).any()

        torch.testing.assert_close(approximate.distance_of(own, following), exact.distance_of(own, following))
        one, other = (
            NeighbourIndex(expert, distance, 3, 0.5, search=search).search(own) for search in (exact, approximate)
        )
        assert float((one == other).float().mean()) > 0.95

    def test_it_finds_the_same_each_time(self):
        expert, own, _ = self.search(binary, "hamming")
        one, other = (build_search(DistinctTransitions(expert), "hamming", "faiss") for _ in range(2))
        for left, right in zip(one.nearest_states(own, 5, 100), other.nearest_states(own, 5, 100), strict=True):
            assert np.array_equal(left, right)

    def test_a_dataset_of_few_transitions_is_searched_whole(self):
        expert = ExpertStates(torch.eye(5, dtype=torch.bool), torch.tensor([5]))
        search = build_search(DistinctTransitions(expert), "hamming", "faiss")
        assert NeighbourIndex(expert, "hamming", 4, 0.0, search=search).search(expert.states[1:2]).tolist() == [
            [1, 0, 2, 3]
        ]

    def test_other_distances_are_refused_in_one_sentence(self):
        expert = ExpertStates(torch.eye(4, dtype=torch.bool), torch.tensor([4]))
        with pytest.raises(InputError, match=r"a\.backend is 'faiss': choose exact: faiss does not search by jaccard"):
            ExpertSearches(expert).get("jaccard", "faiss", "a.backend")


def test_without_faiss_installed_its_backend_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    expert = ExpertStates(torch.eye(4, dtype=torch.bool), torch.tensor([4]))
    with pytest.raises(InputError, match=r"a\.backend is 'faiss': choose exact, or install it with"):
        ExpertSearches(expert).get("hamming", "faiss", "a.backend")
