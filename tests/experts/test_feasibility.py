import pytest
import torch

from diiqn_lightning.algorithm.bridging import node_keys
from diiqn_lightning.errors import InputError
from diiqn_lightning.experts import ExpertStates
from diiqn_lightning.experts.feasibility import FeasibilityTable, default_distance, default_tolerance, median_step

LEFT, RIGHT = 0, 1


def line(*cells):
    """Observations of cells on a line, one-hot."""
    return torch.eye(6, dtype=torch.bool)[list(cells)]


def table_of(*episodes, **changes):
    ends = torch.tensor([len(episode) for episode in episodes]).cumsum(0)
    states = ExpertStates(line(*(cell for episode in episodes for cell in episode)), ends)
    settings = {
        "distance": "hamming",
        "tolerance": torch.tensor(0.0),
        "patience": 4,
        "infeasible_error": 1.0,
        "feasible_error": 0.0,
        "patience_counts": "actions",
    }
    return FeasibilityTable(states, 2, **(settings | changes))


def observe(table, *steps):
    """(cell, action, next cell) of agent transitions."""
    cells, actions, following = zip(*steps, strict=True)
    table.observe(line(*cells), line(*following), node_keys(line(*cells), 0.0), torch.tensor(actions))


def test_what_no_action_made_though_all_were_tried_is_infeasible():
    table = table_of([1, 3, 4])  # the expert jumps from 1 to 3
    observe(table, (1, LEFT, 0), (1, RIGHT, 2), (3, RIGHT, 4))
    assert table.infeasible.tolist() == [False, False]  # each action was tried once, patience wants twice
    observe(table, (1, LEFT, 0), (1, RIGHT, 2))
    assert table.infeasible.tolist() == [True, False]
    assert table.error.tolist() == [2, 0]


def test_a_habit_says_nothing_of_the_other_action():
    table = table_of([1, 2])
    observe(table, *[(1, LEFT, 0)] * 50)
    assert table.infeasible.tolist() == [False]
    by_visits = table_of([1, 2], patience_counts="visits")
    observe(by_visits, *[(1, LEFT, 0)] * 50)
    assert by_visits.infeasible.tolist() == [True]


def test_a_later_close_match_makes_it_feasible_again():
    table = table_of([1, 2], patience_counts="visits")
    observe(table, *[(1, LEFT, 0)] * 4)
    assert table.infeasible.tolist() == [True]
    observe(table, (1, RIGHT, 2))
    assert table.infeasible.tolist() == [False]


def test_equal_transitions_are_judged_alike():
    table = table_of([1, 3, 1, 3], [1, 3])
    observe(table, *[(1, LEFT, 0), (1, RIGHT, 2)] * 2)
    assert table.infeasible.tolist() == [True, False, True, True]


def test_its_state_can_be_taken_up():
    one, other = table_of([1, 3, 4]), table_of([1, 3, 4])
    observe(one, *[(1, LEFT, 0), (1, RIGHT, 2)] * 2)
    other.load_state(one.state())
    assert other.infeasible.tolist() == [True, False]
    observe(other, (3, RIGHT, 4))
    assert other.error.tolist() == [2, 0]


def test_a_tolerance_that_merges_neighbouring_states_is_refused():
    states = ExpertStates(torch.arange(5.0).unsqueeze(1) * 0.1, torch.tensor([5]))
    settings = {"distance": "l2", "patience": 1, "infeasible_error": 1.0, "feasible_error": 0.0}
    settings["patience_counts"] = "visits"
    FeasibilityTable(states, 2, tolerance=torch.tensor(0.05), **settings)
    with pytest.raises(InputError, match=r"feasibility\.tolerance.*smaller"):
        FeasibilityTable(states, 2, tolerance=torch.tensor(1.0), **settings)


def test_thresholds_follow_the_experts_steps():
    # Steps of 1, 1 and 3 in the first entry, none in the second: median 1.
    states = ExpertStates(torch.tensor([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [5.0, 5.0]]), torch.tensor([4]))
    assert default_distance(states) == "l2"
    assert default_tolerance(states).tolist() == [1, 0]
    assert median_step(states, "l2") == 1


def test_binary_observations_are_merged_only_if_equal():
    states = ExpertStates(line(0, 1, 1, 3), torch.tensor([4]))
    assert default_distance(states) == "hamming"
    assert default_tolerance(states).item() == 0
    assert median_step(states, "hamming") == 2  # the step that changes nothing does not count


def test_ranks_judge_alike_also_between_the_two_distances():
    """A table that had judged by a worse match stays with its judgement where the match of another is in between."""
    tables = [table_of([1, 3], patience_counts="visits", infeasible_error=3.0, feasible_error=1.0) for _ in range(2)]
    observe(tables[0], *[(4, LEFT, 5)] * 4)  # 4 away, and never at 1
    observe(tables[0], *[(1, LEFT, 1)] * 4)  # 2 away, often enough: between the two distances
    tables[0]._infeasible[:] = True
    observe(tables[1], (1, LEFT, 2))
    assert [bool(table.infeasible) for table in tables] == [True, False]
    seen = [
        torch.stack(parts) for parts in zip(*((t.own_error, t.own_count, t.own_judgement) for t in tables), strict=True)
    ]
    for rank, table in enumerate(tables):
        table.merge(*seen, rank)
    assert [bool(table.infeasible) for table in tables] == [False, False]
