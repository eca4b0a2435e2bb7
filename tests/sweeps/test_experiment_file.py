from pathlib import Path

import pytest
import yaml

from diiqn_lightning.errors import InputError
from diiqn_lightning.sweeps.experiment_file import read_experiment

CONFIGS = Path(__file__).parents[2] / "configs"
EXPERIMENTS = sorted((CONFIGS / "experiments").glob("*.yaml"))


def write(folder, **changes):
    content = {
        "name": "tiny",
        "question": "Is it?",
        "base": ["--config=b.yaml"],
        "variants": {"a": ["--config=a.yaml", "--x=1"], "b": ["--y={experts}/{environment}.expert"]},
        "environments": {"e": ["--config=e.yaml", "--z=1"], "f": []},
        "arguments": ["--w=1"],
        "seeds": [5, 6],
        "max_frames": 100,
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.dump({name: value for name, value in (content | changes).items() if value is not None}))
    return path


def test_layers_are_in_order_and_a_seed_comes_before_the_next(tmp_path):
    runs = list(read_experiment(write(tmp_path)).runs(Path("x"), None, None))
    assert [run.name for run in runs] == ["e/a/5", "e/b/5", "f/a/5", "f/b/5", "e/a/6", "e/b/6", "f/a/6", "f/b/6"]
    end = ("--seed_everything=5", "--max_frames=100")
    assert {run.max_frames for run in runs} == {100}
    assert runs[0].options == ("--config=a.yaml", "--config=e.yaml", "--z=1", "--w=1", "--x=1", *end)
    assert runs[1].options == ("--config=b.yaml", "--config=e.yaml", "--z=1", "--w=1", "--y=x/e.expert", *end)


def test_seeds_and_frames_of_the_command_line_take_the_place_of_the_files(tmp_path):
    runs = list(read_experiment(write(tmp_path)).runs(Path("x"), 3, 7))
    assert [run.seed for run in runs if run.name.startswith("e/a")] == [5, 6, 7]
    assert {run.options[-1] for run in runs} == {"--max_frames=7"}
    assert {run.seed for run in read_experiment(write(tmp_path)).runs(Path("x"), 1, 7)} == {5}


def test_environments_may_have_lengths_of_their_own(tmp_path):
    experiment = read_experiment(write(tmp_path, max_frames_in={"f": 50}))
    assert [run.options[-1] for run in experiment.runs(Path("x"), 1, None)] == 2 * ["--max_frames=100"] + 2 * [
        "--max_frames=50"
    ]
    assert {run.options[-1] for run in experiment.runs(Path("x"), 1, 7)} == {"--max_frames=7"}


def test_a_part_of_it_has_the_same_runs(tmp_path):
    experiment = read_experiment(write(tmp_path))
    some = list(experiment.only(["b"], ["f"]).runs(Path("x"), 1, None))
    assert some == [run for run in experiment.runs(Path("x"), 1, None) if run.name == "f/b/5"]
    assert experiment.only(None, None) == experiment


@pytest.mark.parametrize(("variants", "environments", "field"), [(["c"], None, "--variants"), (None, ["g"], "--env")])
def test_a_part_that_it_does_not_have_is_refused(variants, environments, field, tmp_path):
    with pytest.raises(InputError, match=f"{field}.*choose among"):
        read_experiment(write(tmp_path)).only(variants, environments)


def test_environments_may_be_names_of_shipped_ones(tmp_path):
    assert read_experiment(write(tmp_path, environments=["maze2d"])).environments == {
        "maze2d": ("--config=configs/env/maze2d.yaml",)
    }


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_shipped_experiments_name_files_that_are_there(path):
    experiment = read_experiment(path)
    assert experiment.name == path.stem
    assert experiment.question.endswith("?")
    assert experiment.claim
    assert experiment.report or "dqn" in experiment.variants
    for run in experiment.runs(Path("{experts}"), 1, None):
        for word in run.options:
            name, _, value = word.partition("=")
            if name == "--config" or value.endswith(".expert"):
                recorded = value.startswith("{experts}") and Path(value).stem in experiment.experts
                assert recorded or (CONFIGS.parent / value).is_file(), word


BAD = {
    "name": ({"name": "a/b"}, "letters"),
    "no question": ({"question": None}, "add it"),
    "field": ({"variant": {}}, "leave it out, or name one of name"),
    "no algorithm": ({"base": None}, "--config"),
    "variants": ({"variants": ["a"]}, "mapping"),
    "path": ({"variants": {"../a": []}}, "folders"),
    "words": ({"variants": {"a": ["x=1"]}}, "--name=value"),
    "seed": ({"arguments": ["--seed_everything=1"]}, "`experiment` sets it"),
    "seeds": ({"seeds": 0}, "how many"),
    "a seed twice": ({"seeds": [3, 1, 3]}, "each once"),
    "measures": ({"measures": "expert/weight"}, "list of columns"),
    "environment": ({"environments": [{"e": []}]}, "mapping"),
    "negative seed": ({"seeds": [-1]}, "at least 0"),
    "frames": ({"max_frames": "many"}, "at least 1"),
    "length of": ({"max_frames_in": {"g": 5}}, "choose among e, f"),
    "no length": ({"max_frames_in": {"e": 0}}, "at least 1"),
    "lengths": ({"max_frames_in": 5}, "mapping"),
    "out": ({"report": ["--out=x"]}, "`experiment` sets it"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_get_one_sentence(name, tmp_path):
    changes, hint = BAD[name]
    with pytest.raises(InputError) as refused:
        read_experiment(write(tmp_path, **changes))
    assert hint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_variants_may_stand_for_algorithms(tmp_path):
    study = read_experiment(write(tmp_path, claim="It is.", stands_for={"a": "diiqn"})).study
    assert (study.question, study.claim, study.stands_for) == ("Is it?", "It is.", {"a": "diiqn"})


@pytest.mark.parametrize(
    ("stands_for", "remedy"),
    [({"c": "diiqn"}, "choose among a, b"), ({"a": "sarsa"}, "choose among diiqn"), (["a"], "write a mapping")],
)
def test_what_nothing_stands_for_is_refused(stands_for, remedy, tmp_path):
    with pytest.raises(InputError, match=remedy):
        read_experiment(write(tmp_path, stands_for=stands_for))


def test_more_seeds_than_the_file_has_are_new_ones(tmp_path):
    runs = read_experiment(write(tmp_path, seeds=[3, 1])).only(["a"], ["e"]).runs(Path("x"), 4, None)
    assert [run.seed for run in runs] == [3, 1, 4, 5]


def test_a_variant_that_is_written_twice_is_refused(tmp_path):
    path = write(tmp_path, variants=None)
    path.write_text(path.read_text() + "variants:\n  a: [--config=a.yaml]\n  a: [--config=b.yaml]\n")
    with pytest.raises(InputError, match=r"tiny.yaml is 'a': write it once"):
        read_experiment(path)
