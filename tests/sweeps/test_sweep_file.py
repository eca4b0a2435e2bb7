from pathlib import Path

import pytest
import yaml
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from diiqn_lightning.errors import InputError
from diiqn_lightning.sweeps.sweep_file import read_sweep

SWEEPS = sorted((Path(__file__).parents[2] / "configs" / "sweeps").glob("*.yaml"))
PARAMETERS = {"model.discount": {"values": [0.9, 0.99]}, "seed_everything": {"values": [0, 1, 2]}}


def write(folder, **changes):
    content = {
        "program": "main.py",
        "command": ["${env}", "${interpreter}", "-m", "diiqn_lightning", "fit", "--config", "a.yaml", "${args}"],
        "method": "grid",
        "parameters": PARAMETERS,
    }
    path = folder / "sweep.yaml"
    path.write_text(yaml.dump({name: value for name, value in (content | changes).items() if value is not None}))
    return path


def test_a_grid_has_every_combination_once(tmp_path):
    settings = read_sweep(write(tmp_path)).settings(0)
    assert len(settings) == 6
    assert {"model.discount": 0.99, "seed_everything": 2} in settings
    assert len(read_sweep(write(tmp_path, run_cap=4)).settings(0)) == 4
    assert not read_sweep(write(tmp_path)).early_terminate


def test_a_sweep_says_that_it_asks_for_early_ends(tmp_path):
    assert read_sweep(write(tmp_path, early_terminate={"type": "hyperband", "min_iter": 2})).early_terminate


def test_a_random_sweep_draws_the_same_again_and_within_bounds(tmp_path):
    parameters = {
        "a": {"min": 1, "max": 3},
        "b": {"min": 0.5, "max": 1.0},
        "c": {"distribution": "log_uniform_values", "min": 0.001, "max": 10},
        "d": {"distribution": "q_uniform", "min": 0.0, "max": 1.0, "q": 0.05},
        "e": {"values": ["x", "y"], "probabilities": [0.0, 1.0]},
        "f": {"value": 7},
    }
    sweep = read_sweep(write(tmp_path, method="random", parameters=parameters, run_cap=50))
    settings = sweep.settings(3)
    assert settings == sweep.settings(3) != sweep.settings(4)
    assert {setting["a"] for setting in settings} == {1, 2, 3}
    assert all(0.5 <= setting["b"] <= 1 and 0.001 <= setting["c"] <= 10 for setting in settings)
    # Half of the draws below 0.1, the middle of 0.001 and 10 on a logarithmic scale.
    assert 15 < sum(setting["c"] < 0.1 for setting in settings) < 35
    assert all(round(setting["d"] * 20, 9) % 1 == 0 and len(str(setting["d"])) <= 4 for setting in settings)
    assert {(setting["e"], setting["f"]) for setting in settings} == {("y", 7)}


def test_repeated_draws_are_one_cell(tmp_path):
    path = write(tmp_path, method="random", parameters={"a": {"values": [1, 2]}}, run_cap=30)
    assert sorted(setting["a"] for setting in read_sweep(path).settings(0)) == [1, 2]


@pytest.mark.parametrize("path", [path for path in SWEEPS if path.stem != "bayes"], ids=lambda path: path.stem)
def test_commands_are_those_of_wandbs_agent(path):
    sweep = read_sweep(path)
    content = yaml.safe_load(path.read_text())
    for setting in sweep.settings(0):
        own = create_sweep_command_args({"args": {name: {"value": value} for name, value in setting.items()}})
        words = [
            part for word in create_sweep_command(list(content["command"]))
            for part in (own["args"] if word == "${args}" else [word])
        ]  # fmt: skip
        after_fit = words[words.index("fit") + 1 :]
        assert list(sweep.command(setting)) == [f"{after_fit[0]}={after_fit[1]}", *after_fit[2:]]


def test_the_shipped_sweeps_cover_all_methods_and_stop_early():
    contents = [yaml.safe_load(path.read_text()) for path in SWEEPS]
    assert {content["method"] for content in contents} == {"grid", "random", "bayes"}
    assert all(content["metric"] == {"name": "eval/return", "goal": "maximize"} for content in contents)
    assert [content["early_terminate"]["type"] for content in contents if "early_terminate" in content] == ["hyperband"]


BAD = {
    "bayes": ({"method": "bayes"}, "wandb sweep"),
    "method": ({"method": "magic"}, "choose grid, random or bayes"),
    "no args": ({"command": ["python", "-m", "diiqn_lightning", "fit"]}, "nothing is swept"),
    "other args": ({"command": ["fit", "${args_no_equals}", "${args}"]}, "nothing is swept"),
    "run_dir": ({"command": ["fit", "--run_dir=x", "${args}"]}, "folder of its own"),
    "no cap": ({"method": "random"}, "--run_cap"),
    "cap": ({"run_cap": 0}, "at least 1"),
    "field": ({"metod": "grid"}, "leave it out, or name one of program"),
    "missing": ({"parameters": None}, "add it"),
    "empty": ({"parameters": {}}, "at least one option"),
    "nested": ({"parameters": {"model": {"parameters": {}}}}, "with dots"),
    "bare": ({"parameters": {"a": 1}}, "values"),
    "distribution in a grid": ({"parameters": {"a": {"min": 0, "max": 1}}}, "method: random"),
    "text": ({"method": "random", "run_cap": 1, "parameters": {"a": {"min": "1e-3", "max": 1}}}, "write 1.0e-3"),
    "a number for a name": ({"parameters": {1: {"values": [1]}}}, "is 1: name options of fit"),
    "order": ({"method": "random", "run_cap": 1, "parameters": {"a": {"min": 2, "max": 1}}}, "smaller than max"),
    "unknown": (
        {"method": "random", "run_cap": 1, "parameters": {"a": {"distribution": "beta", "min": 0, "max": 1}}},
        "wandb sweep",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_get_one_sentence(name, tmp_path):
    changes, hint = BAD[name]
    with pytest.raises(InputError, match=r"^.*$") as refused:
        read_sweep(write(tmp_path, **changes)).settings(0)
    assert hint in str(refused.value)
    assert "\n" not in str(refused.value)


Q = {"distribution": "q_uniform", "min": 0, "max": 1}
BAD_DRAWS = {
    "q as text": ({**Q, "q": "1e-3"}, "give q as a number (write 1.0e-3"),
    "q of nothing": ({**Q, "q": 0}, "let q be larger than 0"),
    "q too small": ({**Q, "q": 5e-324}, "neither so large nor so small"),
    "mu": ({"distribution": "normal", "mu": "1e-3"}, "give mu as a number (write 1.0e-3"),
    "sigma": ({"distribution": "normal", "sigma": "1e-3"}, "give sigma as a number (write 1.0e-3"),
    "probabilities of nothing": ({"values": [1, 2], "probabilities": [0, 0]}, "some of them larger than 0"),
    "probabilities as text": ({"values": [1, 2], "probabilities": ["1e-3", 1]}, "as numbers of at least 0"),
    "negative probabilities": ({"values": [1, 2], "probabilities": [-1, 2]}, "as numbers of at least 0"),
}


@pytest.mark.parametrize("name", BAD_DRAWS)
def test_bad_distributions_get_one_sentence(name, tmp_path):
    given, hint = BAD_DRAWS[name]
    sweep = read_sweep(write(tmp_path, method="random", run_cap=1, parameters={"a": given}))
    with pytest.raises(InputError) as refused:
        sweep.settings(0)
    assert hint in str(refused.value)


def test_nothing_is_null_on_a_command_line(tmp_path):
    path = write(tmp_path, command=["fit", "--video", None, "${args}"], parameters={"a": {"values": [None, True]}})
    sweep = read_sweep(path)
    commands = [sweep.command(setting) for setting in sweep.settings(0)]
    assert commands == [("--video=null", "--a=null"), ("--video=null", "--a=True")]


def test_a_parameter_that_is_written_twice_is_refused_with_its_line(tmp_path):
    path = write(tmp_path, parameters=None)
    before = path.read_text()
    path.write_text(f"{before}parameters:\n  model.tau: {{value: 1}}\n  x: {{value: 2}}\n  model.tau: {{value: 3}}\n")
    first = before.count("\n") + 2
    with pytest.raises(InputError, match=rf"line {first + 2} of .*sweep.yaml is 'model.tau': .*line {first} has it"):
        read_sweep(path)


def test_a_key_that_takes_the_place_of_a_merged_one_is_no_second(tmp_path):
    path = write(tmp_path, parameters=None)
    nested = "parameters: {x: &x {<<: &v {value: 1}, value: 2}, y: {<<: *x, value: 3}}\n"
    path.write_text(path.read_text() + nested)
    assert read_sweep(path).settings(0) == [{"x": 2, "y": 3}]


def test_what_is_no_yaml_is_said(tmp_path):
    (tmp_path / "a.yaml").write_text("a: [")
    (tmp_path / "date.yaml").write_text("a: 2026-13-01")
    for path in (tmp_path / "a.yaml", tmp_path / "date.yaml", tmp_path / "none.yaml", tmp_path):
        with pytest.raises(InputError, match="YAML"):
            read_sweep(path)
