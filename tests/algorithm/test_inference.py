import torch
from hypothesis import given
from hypothesis import strategies as st

from diiqn_lightning.algorithm.inference import Match, better_match, closest_transition, origin_of

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


def test_closest_transition_against_brute_force():
    generator = torch.Generator().manual_seed(0)
    frames, transitions = 50, 40
    distance = torch.randint(0, 6, (frames, transitions), generator=generator).float()
    action = torch.randint(0, 3, (frames,), generator=generator)
    reward = torch.rand(frames, generator=generator)
    terminated = torch.rand(frames, generator=generator) < 0.5
    match = closest_transition(distance, action, reward, terminated, origin_of(100, frames, 0))
    for transition in range(transitions):
        column = distance[:, transition].tolist()
        first = column.index(min(column))
        assert match.error[transition] == column[first]
        assert match.action[transition] == action[first]
        assert match.reward[transition] == reward[first]
        assert match.terminated[transition] == terminated[first]
        assert match.origin[transition] == 100 + first


def test_chunks_merged_one_by_one_equal_all_frames_at_once():
    generator = torch.Generator().manual_seed(1)
    distance = torch.randint(0, 4, (30, 20), generator=generator).float()
    action = torch.randint(0, 3, (30,), generator=generator)
    zeros = torch.zeros(30)
    at_once = closest_transition(distance, action, zeros, zeros.bool(), origin_of(0, 30, 0))
    merged = Match.unknown(20)
    for start in range(0, 30, 10):
        part = slice(start, start + 10)
        chunk = closest_transition(
            distance[part], action[part], zeros[part], zeros[part].bool(), origin_of(start, 10, 0)
        )
        merged = better_match(merged, chunk)
    assert same(merged, at_once)
