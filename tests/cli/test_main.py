import subprocess
import sys
from pathlib import Path

import pytest

from diiqn_lightning.__main__ import VERBS, main

ROOT = Path(__file__).parents[2]


def test_help_names_every_verb_and_gives_examples(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert all(verb in printed for verb in VERBS)
    assert "fit --config configs/diiqn.yaml" in printed


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["fitt"], "use fit"),
        (["fit", "--config", "none.yaml"], "none.yaml"),
        (["fit", "--config=none.yaml"], "none.yaml"),
        (["fit", "--config"], "YAML"),
    ],
)
def test_answers_for_mistakes_in_one_sentence(arguments, hint, capsys):
    assert main(arguments) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert hint in complaint


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"\xff\xfe", "can be read"),
        (b"a: [1", "write YAML (while parsing"),
        (b"- a", "write options"),
        (b"", "write options"),
        (b"a: 1\nb: 2\na: 3\n", "write it once, line 1 has it too"),
    ],
    ids=["no text", "cut off", "a list", "empty", "a key twice"],
)
def test_a_configuration_that_is_none_gets_one_sentence_that_names_it(content, hint, tmp_path, capsys):
    (tmp_path / "mine.yaml").write_bytes(content)
    assert main(["fit", "--config", str(tmp_path / "mine.yaml")]) == 2
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert "mine.yaml" in complaint
    assert hint in complaint


def test_an_interruption_gets_no_traceback(monkeypatch, capsys):
    def interrupted(verb, arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("diiqn_lightning.__main__._run", interrupted)
    assert main(["record"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["fitt"], ["fit", "--config", "none.yaml"]])
def test_answers_without_importing_torch(arguments):
    code = (
        "import sys; from diiqn_lightning.__main__ import main; main(sys.argv[1:]); "
        "sys.exit('torch' in sys.modules or 'lightning' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, timeout=60).returncode == 0


@pytest.mark.parametrize("verb", ["sweep", "experiment"])
def test_who_waits_for_cells_does_not_hold_torch(verb):
    ask = (
        f"sys.exit(main(['{verb}', 'configs/{verb}s/{'beta' if verb == 'sweep' else 'confidence'}.yaml', '--dry_run']))"
    )
    code = (
        "import atexit, os, sys; from diiqn_lightning.__main__ import main; "
        f"atexit.register(lambda: 'torch' in sys.modules and os._exit(9)); {ask}"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=200, cwd=ROOT).returncode == 0


@pytest.mark.parametrize("verb", sorted(set(VERBS) - {"fit", "validate", "test"}))
def test_each_verb_explains_itself_with_examples(verb, capsys):
    with pytest.raises(SystemExit) as end:
        main([verb, "--help"])
    assert end.value.code == 0
    assert "examples" in capsys.readouterr().out


def test_a_reader_that_has_seen_enough_gets_no_traceback(tmp_path):
    dataset = Path(__file__).parents[2] / "experts" / "maze2d-weak.expert"
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "diiqn_lightning", "inspect", str(dataset)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    ) as process:  # fmt: skip
        process.stdout.close()
        complaint = process.stderr.read()
    assert process.returncode == 1
    assert "Error" not in complaint
