import json
import re
import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import yaml

from diiqn_lightning.__main__ import main
from diiqn_lightning.cli.agents import load_agent
from diiqn_lightning.cli.training import TrainingCLI
from diiqn_lightning.envs import Evaluation
from diiqn_lightning.report import exported as exported_files


@pytest.fixture(scope="module", params=["breakout", "cartpole"])
def exported(request, tmp_path_factory):
    """A run's folder, and that of what was exported of it."""
    run = request.getfixturevalue(f"{request.param}_run")
    out = tmp_path_factory.mktemp("exported") / "policy"
    assert main(["export", str(run), "--out", str(out), "--states=30"]) == 0
    return run, out


def visited(data, count):
    """States of an environment under random actions."""
    states = []
    evaluation = Evaluation("random", data.env, episodes=range(3), epsilon=1.0, seed=5, max_episode_steps=60)
    evaluation.play(lambda batch: (states.append(batch.clone()), torch.zeros(len(batch), dtype=torch.int64))[1])
    return torch.cat(states)[:count]


def test_both_files_answer_as_the_agent_does(exported):
    run, out = exported
    agent = load_agent(run / "checkpoints" / "last")
    session = onnxruntime.InferenceSession(out / "policy.onnx")
    program = torch.export.load(out / "policy.pt2").module()
    states = visited(agent.datamodule, 21)
    assert len(torch.unique(states, dim=0)) > 10
    for size in (1, 7):
        for batch in states.split(size):
            with torch.no_grad():
                values = agent.model.acting_values(agent.model.online(batch))
            for action, q_values in (
                session.run(["action", "q_values"], {"observation": batch.numpy()}),
                [part.detach().numpy() for part in program(batch)],
            ):
                assert q_values.shape == (size, agent.datamodule.num_actions)
                assert (action.dtype, q_values.dtype) == (np.int64, np.float32)
                assert np.array_equal(action, agent.model.greedy(batch).numpy())
                np.testing.assert_allclose(q_values, values.numpy(), rtol=1e-4, atol=1e-5)


def test_onnx_is_valid_and_says_its_opset(exported):
    model = onnx.load(exported[1] / "policy.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [opset.version for opset in model.opset_import if opset.domain == ""] == [20]
    assert f"(opset {20})" in (exported[1] / "README.md").read_text()


def test_the_card_has_what_the_run_measured(exported):
    run, out = exported
    text, summary = (out / "README.md").read_text(), json.loads((run / "summary.json").read_text())
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["library_name"] == "diiqn-lightning"
    metrics = front["model-index"][0]["results"][0]["metrics"]
    expected = [summary["eval"][part][field] for part in ("greedy", "epsilon") for field in ("mean", "standard_error")]
    assert [metric["value"] for metric in metrics] == pytest.approx(expected, abs=1e-4)
    assert all("ε = " in metric["name"] for metric in metrics)
    for fact in (f"{summary['frames']:,}", "seed: 0", summary["versions"]["torch"], "--max_frames=400"):
        assert fact in text
    assert ("imitation-learning" in front["tags"]) == (summary["expert"] is not None)
    assert summary["expert"] is None or "breakout-weak" in text


def test_the_cards_code_runs(exported, monkeypatch):
    monkeypatch.chdir(exported[1])
    snippets = re.findall(r"```python\n(.*?)```", (exported[1] / "README.md").read_text(), re.S)
    assert len(snippets) == 2
    for snippet in snippets:
        names = {}
        exec(snippet, names)
        assert names["action"].shape == (7,)


def test_nothing_of_this_machine_is_in_it(exported):
    run, out = exported
    places = [str(run), str(out.parent), "/site-packages/", "/src/diiqn_lightning/"]
    for file in out.iterdir():
        assert not [place for place in places if place.encode() in file.read_bytes()], file


def test_the_configuration_builds_the_agent_elsewhere(exported):
    settings = ["validate", "--config", str(exported[1] / "config.yaml")]
    agent = TrainingCLI(settings, build_only=True)
    weights = torch.load(exported[0] / "checkpoints" / "last" / "model.ckpt", weights_only=True)["state_dict"]
    agent.model.load_state_dict(weights)
    assert agent.config["validate"].run_dir is None


def test_a_checkpoint_that_was_not_evaluated_has_no_numbers(run, breakout_run, tmp_path):
    shutil.copytree(breakout_run, tmp_path / "run", symlinks=True)
    (tmp_path / "out").mkdir()  # an empty folder will do
    earlier = min((tmp_path / "run" / "checkpoints").glob("[0-9]*"))
    code, _, complaint = run("export", earlier, "--out", tmp_path / "out", "--states=2")
    assert code == 0, complaint
    text = (tmp_path / "out" / "README.md").read_text()
    assert "was not evaluated" in text
    assert "model-index" not in text


REFUSED = {
    "a folder with something in it": (lambda run, out: (out / "old").touch(), "new or empty folder"),
    "a summary of something else": (
        lambda run, out: (run / "summary.json").write_text('{"updates": 79}'),
        "it is not a finished run's",
    ),
    "a run without checkpoints": (lambda run, out: shutil.rmtree(run / "checkpoints"), "give a run's folder"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refuses_in_one_sentence_and_writes_nothing(kind, run, breakout_run, tmp_path):
    source, out = tmp_path / "run", tmp_path / "out"
    shutil.copytree(breakout_run, source, symlinks=True)
    out.mkdir()
    change, hint = REFUSED[kind]
    change(source, out)
    before = sorted(tmp_path.rglob("*"))
    code, _, complaint = run("export", source, "--out", out, "--states=2")
    assert code == 2
    assert hint in complaint
    assert complaint.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_says_what_to_install(run, breakout_run, tmp_path, monkeypatch):
    monkeypatch.setattr(exported_files, "NEEDED", ("onnx", "no_such_package"))
    code, _, complaint = run("export", breakout_run, "--out", tmp_path / "out")
    assert code == 2
    assert complaint == (
        "error: no_such_package is 'not installed': install it with `pip install diiqn-lightning[export]`.\n"
    )
