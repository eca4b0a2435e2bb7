import torch
from hypothesis import given
from hypothesis import strategies as st

from diiqn_lightning.algorithm.inference import (
    Match,
    above_chance,
    better_match,
    closest_transition,
    count_votes,
    merge_votes,
    origin_of,
)

# Few distinct errors and origins, so that ties happen. An origin stands for one agent transition, so
# the rest of an entry follows from it.
entries = st.tuples(st.sampled_from([0.0, 1.0, 2.0, float("inf")]), st.integers(0, 5))


def table(rows):
    error = torch.tensor([row[0] for row in rows])
    origin = torch.tensor([row[1] for row in rows])
    return Match(error, origin % 3, origin.float(), origin % 2 == 0, origin)


tables = st.lists(entries, min_size=4, max_size=4).map(table)


def same(left, right):
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


@given(tables, tables)
def test_merging_is_commutative(left, right):
    assert same(better_match(left, right), better_match(right, left))


@given(tables, tables, tables)
def test_merging_is_associative(a, b, c):
    assert same(better_match(better_match(a, b), c), better_match(a, better_match(b, c)))


@given(tables)
def test_merging_is_idempotent(one):
    assert same(better_match(one, one), one)


def test_at_equal_distance_the_first_frame_and_then_the_lowest_rank_win():
    early, late = origin_of(3, 2, rank=0)
    other_rank = origin_of(0, 1, rank=1)[0]
    assert early < late < other_rank


def test_an_unknown_entry_gives_way_to_any_match():
    match = Match(*(torch.tensor([value]) for value in (9.0, 2, 1.0, True, 17)))
    assert same(better_match(Match.unknown(1), match), match)


def compared(distance, shuffled=None):
    """All frames with all expert transitions: numbers of the latter, frames and distances of the comparisons."""
    frames, transitions = distance.shape
    order = (
        torch.arange(frames * transitions) if shuffled is None else torch.randperm(distance.numel(), generator=shuffled)
    )
    return (order % transitions), (order // transitions), distance.flatten()[order]


def closest(distance, action, reward, terminated, origin, shuffled=None):
    expert, frame, distance = compared(distance, shuffled)
    return closest_transition(expert, distance, action[frame], reward[frame], terminated[frame], origin[frame])


def test_closest_transition_against_brute_force():
    generator = torch.Generator().manual_seed(0)
    frames, transitions = 50, 40
    distance = torch.randint(0, 6, (frames, transitions), generator=generator).float()
    action = torch.randint(0, 3, (frames,), generator=generator)
    reward = torch.rand(frames, generator=generator)
    terminated = torch.rand(frames, generator=generator) < 0.5
    number, match = closest(distance, action, reward, terminated, origin_of(100, frames, 0), shuffled=generator)
    assert torch.equal(number, torch.arange(transitions))
    for transition in range(transitions):
        column = distance[:, transition].tolist()
        first = column.index(min(column))
        assert match.error[transition] == column[first]
        assert match.action[transition] == action[first]
        assert match.reward[transition] == reward[first]
        assert match.terminated[transition] == terminated[first]
        assert match.origin[transition] == 100 + first


def test_what_was_compared_with_nothing_has_no_match():
    one, nothing = torch.ones(1), torch.zeros(0)
    number, match = closest_transition(torch.tensor([7]), one, one.long(), one, one.bool(), one.long())
    assert (number.tolist(), match.error.tolist()) == ([7], [1.0])
    number, match = closest_transition(nothing.long(), nothing, nothing.long(), nothing, nothing.bool(), nothing.long())
    assert len(number) == len(match.error) == 0


def test_chunks_merged_one_by_one_equal_all_frames_at_once():
    generator = torch.Generator().manual_seed(1)
    distance = torch.randint(0, 4, (30, 20), generator=generator).float()
    action = torch.randint(0, 3, (30,), generator=generator)
    zeros = torch.zeros(30)
    _, at_once = closest(distance, action, zeros, zeros.bool(), origin_of(0, 30, 0))
    merged = Match.unknown(20)
    for start in range(0, 30, 10):
        part = slice(start, start + 10)
        _, chunk = closest(distance[part], action[part], zeros[part], zeros[part].bool(), origin_of(start, 10, 0))
        merged = better_match(merged, chunk)
    assert same(merged, at_once)


def votes_on(distance, action, num_actions):
    expert, frame, distance = compared(distance)
    return count_votes(expert, distance, action[frame], num_actions)[1]


def test_votes_at_the_smallest_distance_by_hand():
    # Three agent transitions with actions 1, 0, 1; two expert transitions.
    distance = torch.tensor([[2.0, 5.0], [2.0, 4.0], [2.0, 4.0]])
    error, votes = votes_on(distance, torch.tensor([1, 0, 1]), 2)
    assert error.tolist() == [2.0, 4.0]
    assert votes.tolist() == [[1.0, 2.0], [1.0, 1.0]]


ballots = st.lists(st.tuples(st.sampled_from([0.0, 1.0, 2.0]), st.integers(0, 3), st.integers(0, 3)),
                   min_size=4, max_size=4).map(
    lambda rows: (torch.tensor([r[0] for r in rows]), torch.tensor([[float(r[1]), float(r[2])] for r in rows]))
)  # fmt: skip


@given(ballots, ballots, ballots)
def test_merging_votes_is_commutative_and_associative(a, b, c):
    assert same(merge_votes(a, b), merge_votes(b, a))
    assert same(merge_votes(merge_votes(a, b), c), merge_votes(a, merge_votes(b, c)))


def test_certainty_above_chance_by_hand():
    certainty = above_chance(torch.tensor([0.25, 0.625, 1.0]), 4)
    assert certainty.tolist() == [0.0, 0.5, 1.0]
    assert above_chance(torch.tensor([1.0]), 1).tolist() == [1.0]


def test_votes_of_parts_are_the_votes_of_the_whole():
    generator = torch.Generator().manual_seed(0)
    distance = torch.randint(0, 4, (60, 30), generator=generator).float()
    action = torch.randint(0, 3, (60,), generator=generator)
    whole = votes_on(distance, action, 3)
    merged = votes_on(distance[:25], action[:25], 3)
    merged = merge_votes(merged, votes_on(distance[25:], action[25:], 3))
    assert same(merged, whole)
