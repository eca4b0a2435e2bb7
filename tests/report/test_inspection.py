import pytest
import torch

from diiqn_lightning.errors import InputError
from diiqn_lightning.experts import ExpertDataset, ExpertStates
from diiqn_lightning.report.inspection import as_table, cover_environment, inspect_dataset
from diiqn_lightning.report.inspection_figure import as_picture, contact_sheet, draw_inspection


def binary(episodes=4, length=10, seed=0):
    states = torch.rand(episodes * length, 6, 6, 2, generator=torch.Generator().manual_seed(seed)) < 0.3
    return ExpertDataset(ExpertStates(states, torch.arange(length, episodes * length + 1, length)))


def test_counts_what_is_there(corridor_expert):
    inspection = inspect_dataset(corridor_expert)
    assert inspection.episode_lengths.tolist() == [3, 3, 3]
    assert inspection.returns.tolist() == [1, 1, 1]
    assert (inspection.num_states, inspection.distinct_states) == (12, 4)
    assert inspection.nearest.tolist() == [0.0] * 12  # each state stands in another episode too
    assert any("distinct" in warning for warning in inspection.warnings)


def test_neighbours_are_those_of_other_episodes():
    dataset = binary()
    inspection = inspect_dataset(dataset)
    flat = dataset.states.states.flatten(1)
    expected = sorted(min(int((flat[i] != flat[j]).sum()) for j in range(40) if j // 10 != i // 10) for i in range(40))
    assert sorted(inspection.nearest.tolist()) == expected


def test_suggestions_reach_nine_in_ten_states():
    inspection = inspect_dataset(binary())
    reach = float(inspection.nearest.quantile(0.9))
    assert inspection.suggested_threshold == pytest.approx(1 - reach / 72, abs=1e-3)
    assert inspection.suggested_error_max == pytest.approx(2 * reach, abs=1e-3)


def test_warns_of_what_is_wrong():
    single = ExpertDataset(ExpertStates(torch.zeros(5, 3), torch.tensor([5])))
    warnings = " ".join(inspect_dataset(single).warnings)
    assert "single episode" in warnings
    assert "constant" in warnings


def test_a_random_agent_tries_the_fit(corridor_expert):
    inspection = inspect_dataset(corridor_expert)
    cover_environment(inspection, corridor_expert, "Corridor-v0", frames=200)
    shares = list(inspection.coverage.values())
    assert shares == sorted(shares, reverse=True)
    with pytest.raises(InputError, match="CartPole"):
        cover_environment(inspection, corridor_expert, "CartPole-v1", frames=10)


def test_warns_of_observations_outside_the_space(corridor_expert):
    states = corridor_expert.states.states.clone()
    states[0, 0] = 5
    beyond = ExpertDataset(ExpertStates(states, corridor_expert.states.episode_ends), corridor_expert.labels)
    inspection = inspect_dataset(beyond)
    cover_environment(inspection, beyond, "Corridor-v0", frames=50)
    assert any("outside" in warning for warning in inspection.warnings)


def test_the_table_names_every_warning(corridor_expert):
    inspection = inspect_dataset(corridor_expert)
    table = as_table("walk", corridor_expert, inspection)
    assert all(warning in table for warning in inspection.warnings)
    assert "Corridor-v0" in table


@pytest.mark.parametrize("dataset", ["binary", "vector"])
def test_draws_a_picture(dataset, tmp_path, corridor_expert):
    chosen = binary() if dataset == "binary" else corridor_expert
    draw_inspection("name", chosen, inspect_dataset(chosen), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 10_000
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("name", ["a$_$b", "a$^$", "$"])
def test_a_name_may_hold_dollars(name, tmp_path, corridor_expert):
    draw_inspection(name, corridor_expert, inspect_dataset(corridor_expert), tmp_path / "a.svg")
    assert (tmp_path / "a.svg").exists()


def test_pictures_show_each_channel_in_a_colour_of_its_own():
    state = torch.zeros(2, 2, 4, dtype=torch.bool)
    state[0, 0, 0] = state[0, 1, 3] = True
    picture = as_picture(state)
    assert picture[1].max() == 0
    assert (picture[0, 0] != picture[0, 1]).any()


def test_a_contact_sheet_is_as_wide_as_its_frames():
    sheet = contact_sheet(torch.rand(50, 6, 6, 2) < 0.5, count=10)
    assert sheet.shape == (2 * 6 + 1, 5 * (6 + 1), 3)
