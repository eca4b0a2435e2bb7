import dataclasses

import pytest

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.comparison import grouped, summary, summary_rows
from diiqn_lightning.report.comparison_figure import draw_comparison, plan_panels, returns_figure
from diiqn_lightning.report.finished_run import FinishedRun, named_without_a_shared_skill
from diiqn_lightning.report.ledger import find_runs, write_ledger
from diiqn_lightning.report.sources import collect
from tests.report.test_ledger import make_run


def finished(algorithm="dqn", seed=0, value=3.0, expert=""):
    numbers = {"eval_return": value, "random_return": 0.5} | ({"expert_return": 9.0} if expert else {})
    return FinishedRun(algorithm, "breakout", expert, seed, 200, numbers, ([100, 200], [1.0, value]))


def test_final_returns_are_summarised_over_seeds_and_all_are_listed():
    runs = [finished(seed=1, value=5.0), finished(seed=0, value=3.0), finished("diiqn", 0, 9.5, "breakout-medium")]
    one, other = summary_rows(runs)
    assert other["algorithm"] == "dqn"
    assert (other["seeds"], other["return_mean"], other["return_standard_deviation"]) == (2, 4.0, 1.41)
    assert other["returns"] == "3.0 5.0"
    assert one["algorithm"] == "diiqn, medium expert"
    assert (one["expert_return"], one["return_standard_deviation"]) == (9.0, "")


def test_experts_of_other_skills_are_other_groups():
    runs = [finished("diiqn", expert="breakout-weak"), finished("diiqn", expert="breakout-strong")]
    assert len(grouped(runs)) == 2


def test_an_environment_that_is_named_for_its_expert_is_not_told_it_again():
    run = finished("diiqn", expert="maze2d-weak")
    assert run.label == "diiqn, maze2d-weak expert"
    assert dataclasses.replace(run, environment="maze2d").label == "diiqn, weak expert"
    assert dataclasses.replace(run, environment="maze2d_weak").label == "diiqn"


def test_the_summary_has_means_by_game():
    runs = [finished(value=3.0), finished(seed=1, value=5.0), finished("diiqn", 2, 9.0, "breakout-strong")]
    assert summary(runs) == {
        "games": {"breakout": {"diiqn": 9.0, "dqn": 4.0, "expert": 9.0, "random": 0.5}},
        "frames": 200,
        "seeds": [0, 1, 2],
    }


def test_other_settings_are_other_groups_and_no_more_seeds():
    one, other = finished(seed=0), finished(seed=0, value=9.0)
    other = dataclasses.replace(other, key="abcdef123")
    labels = [label for _, label in grouped([one, other])]
    assert labels == ["dqn []", "dqn [abcdef]"]
    assert set(summary([one, other])["games"]["breakout"]) == {"dqn []", "dqn [abcdef]", "random"}


def test_a_run_that_is_named_twice_counts_once(tmp_path):
    make_run(tmp_path / "runs" / "a")
    write_ledger(tmp_path / "ledger.csv", find_runs([tmp_path / "runs"]))
    assert len(collect([tmp_path / "runs", tmp_path / "ledger.csv"]).runs) == 1


def test_folders_and_ledgers_say_the_same(tmp_path):
    for seed in range(2):
        make_run(tmp_path / "runs" / str(seed), seed=seed)
    write_ledger(tmp_path / "ledger.csv", find_runs([tmp_path / "runs"]))
    assert collect([tmp_path / "runs"]).runs == collect([tmp_path / "ledger.csv"]).runs


def test_draws_runs_whose_curves_have_different_frames(tmp_path):
    short = FinishedRun("dqn", "breakout", "", 1, 100, {"eval_return": 1.0}, ([100], [1.0]))
    draw_comparison([finished(), short], tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000


@pytest.mark.parametrize("name", ["none", "none.csv"])
def test_refuses_what_is_not_there(tmp_path, name):
    with pytest.raises(InputError):
        collect([tmp_path / name])


def test_refuses_a_folder_without_runs(tmp_path):
    with pytest.raises(InputError, match="finished runs"):
        collect([tmp_path])


def test_refuses_a_ledger_with_a_broken_number(tmp_path):
    write_ledger(tmp_path / "ledger.csv", find_runs([make_run(tmp_path / "run")]))
    text = (tmp_path / "ledger.csv").read_text()
    (tmp_path / "ledger.csv").write_text(text.replace(",100,", ",many,"))
    with pytest.raises(InputError, match="cannot be read"):
        collect([tmp_path / "ledger.csv"])


def test_every_expert_and_the_random_agent_have_a_line():
    skills = ("weak", "medium", "strong", "random", "best")
    runs = [finished("diiqn", expert=f"breakout-{skill}") for skill in skills]
    for number, run in enumerate(runs):
        run.numbers["expert_return"] = float(number)
    (panel,) = returns_figure(runs).axes
    lines = {line.get_label(): line.get_ydata()[0] for line in panel.get_lines()}
    assert {f"expert breakout-{skill} ({number}.0)" for number, skill in enumerate(skills)} <= lines.keys()
    assert lines["expert breakout-strong (2.0)"] == 2.0
    assert lines["random agent (0.5)"] == 0.5


@pytest.mark.parametrize(
    ("returns", "expert", "is_drawn"), [([1.0, 2.0], 5.0, True), ([1.0, 2.0], 50.0, False), ([-4.0, -3.0], 0.8, True)]
)
def test_an_expert_far_above_all_curves_is_in_the_legend_alone(returns, expert, is_drawn):
    run = dataclasses.replace(finished("diiqn", expert="breakout-medium"), curve=([100, 200], returns))
    run.numbers.update(expert_return=expert, random_return=returns[0])
    (panel,) = returns_figure([run]).axes
    (line,) = [line for line in panel.get_lines() if line.get_label().startswith("expert")]
    low, high = panel.get_ylim()
    assert low < returns[0]
    assert (low < expert < high) == is_drawn == ("above the picture" not in line.get_label())


def test_a_skill_that_all_share_is_not_in_their_names():
    numbers = {"eval_return": 1.0}
    none, medium, other, strong = (
        FinishedRun(algorithm, place, expert, 0, 100, numbers, ([], []))
        for algorithm, place, expert in (
            ("dqn", "breakout", ""),
            ("diiqn", "breakout", "breakout-medium"),
            ("bco", "asterix", "asterix-medium"),
            ("bco", "asterix", "asterix-strong"),
        )
    )
    assert [run.label for run in named_without_a_shared_skill([none, medium, other])] == ["dqn", "diiqn", "bco"]
    own = dataclasses.replace(medium, expert="breakout")
    assert [run.label for run in named_without_a_shared_skill([medium, own])] == ["diiqn, medium expert", "diiqn"]
    several = [run.label for run in named_without_a_shared_skill([none, medium, strong])]
    assert several == ["dqn", "diiqn, medium expert", "bco, strong expert"]


def test_keys_that_begin_alike_are_told_apart():
    runs = [dataclasses.replace(finished(seed=seed), key=key) for seed, key in ((0, "wandb-a1"), (1, "wandb-b1"))]
    assert [label for _, label in grouped(runs)] == ["dqn [wandb-a]", "dqn [wandb-b]"]


def test_the_legend_of_narrow_figures_has_fewer_columns():
    runs = [
        dataclasses.replace(finished(f"a_rather_long_name_of_a_variant_{number}"), environment=place)
        for number in range(5)
        for place in ("asterix", "breakout")
    ]
    figure = returns_figure(runs)
    figure.canvas.draw()
    box = figure.legends[0].get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width


def test_panels_with_the_same_lines_share_one_legend():
    here = [finished("dqn"), finished("diiqn")]
    there = [dataclasses.replace(run, environment="asterix") for run in here]
    for runs, shared in ((here + there, 1), (here + there[:1], 0)):
        figure = returns_figure(runs)
        assert len(figure.legends) == shared
        entries = [[text.get_text() for text in panel.get_legend().get_texts()] for panel in figure.axes]
        assert all(("random agent (0.5)" in texts) and ("dqn (1 seed)" in texts) != bool(shared) for texts in entries)


def test_panels_of_an_environment_have_the_same_height():
    runs = [finished(f"variant_{number}") for number in range(8)]
    runs[0] = dataclasses.replace(runs[0], curve=([100], [50.0]))
    assert len({panel.get_ylim() for panel in returns_figure(runs).axes}) == 1


def test_more_lines_than_can_be_told_apart_get_several_panels_with_the_baseline_in_each():
    labels = ["bco", "dai", "diiqn", "dqfd", "dqn", "gaifo", "jsrl", "oril"]
    groups = [("asterix", label) for label in labels] + [("breakout", "dqn"), ("breakout", "bco")]
    plans = plan_panels(groups, "dqn")
    assert [plan.title for plan in plans] == ["asterix, 1 of 2", "asterix, 2 of 2", "breakout"]
    shares = [["dqn", "diiqn", "bco", "dai", "dqfd"], ["dqn", "diiqn", "gaifo", "jsrl", "oril"]]
    assert [plan.labels for plan in plans] == [*shares, ["dqn", "bco"]]
    assert [plan.title for plan in plan_panels(groups[:5], "dqn")] == ["asterix"]
    assert [plan.labels for plan in plan_panels(groups[:5], "none")] == [labels[:5]]
