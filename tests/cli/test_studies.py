import pytest

from diiqn_lightning.cli.studies import COPY, study_of
from diiqn_lightning.errors import InputError

FILE = """
name: tiny
question: Is it?
base: [--config=configs/dqn.yaml]
variants: {a: [], b: [--model.discount=0.5]}
environments: [breakout]
seeds: 1
max_frames: 100
stands_for: {a: diiqn}
"""


def test_a_ledger_beside_an_experiments_file_is_of_that_experiment(tmp_path):
    (tmp_path / COPY).write_text(FILE)
    study = study_of([tmp_path / "ledger.csv"])
    assert (study.question, study.stands_for) == ("Is it?", {"a": "diiqn"})


def test_other_sources_are_of_none(tmp_path):
    (tmp_path / COPY).write_text(FILE)
    (tmp_path / "run").mkdir()
    for sources in ([tmp_path / "run"], [tmp_path / "ledger.csv", tmp_path / "run"], [tmp_path / "run" / "ledger.csv"]):
        assert study_of(sources).question == ""


def test_a_broken_copy_is_refused_by_name(tmp_path):
    (tmp_path / COPY).write_text(FILE.replace("a: diiqn", "c: diiqn"))
    with pytest.raises(InputError, match="stands_for in .*experiment.yaml"):
        study_of([tmp_path / "ledger.csv"])
