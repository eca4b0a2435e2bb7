"""What the shipped sweeps and experiments ask for, `fit` accepts."""

from pathlib import Path

import pytest

from diiqn_lightning.cli.resolving import resolve
from diiqn_lightning.sweeps.experiment_file import read_experiment
from diiqn_lightning.sweeps.sweep_file import read_sweep

CONFIGS = Path(__file__).parents[2] / "configs"
SWEEPS = [path for path in sorted((CONFIGS / "sweeps").glob("*.yaml")) if path.stem != "bayes"]
EXPERIMENTS = sorted((CONFIGS / "experiments").glob("*.yaml"))


@pytest.fixture(autouse=True)
def in_root(monkeypatch):
    """Configurations are named from the repository's root."""
    monkeypatch.chdir(CONFIGS.parent)


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_options_of_sweeps(path):
    sweep = read_sweep(path)
    command = sweep.command(sweep.settings(0)[-1])
    assert resolve([(path.stem, command)])[command].environment == "breakout"


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_options_of_experiments(path):
    """One run of each set of options that is no whole configuration by itself, each in another environment."""
    experiment = read_experiment(path)
    ways = {
        tuple(word if word.startswith("--config=") else word.partition("=")[0] for word in words): name
        for name, words in experiment.variants.items()
    }
    wanted = [name for options, name in ways.items() if [word[:9] for word in options] not in ([], ["--config="])]
    runs = [run for run in experiment.runs(Path("{experts}"), 1, None) if "{experts}" not in " ".join(run.options)]
    environments = list(experiment.environments)
    chosen = [
        run for run in runs
        if run.variant in wanted
        and run.environment == environments[wanted.index(run.variant) % len(environments)]
    ]  # fmt: skip
    facts = resolve((run.name, run.options) for run in chosen)
    assert len({fact.key for fact in facts.values()}) == len(chosen)
