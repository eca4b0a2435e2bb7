"""A line of YAML without a value, NaN, and what an optimizer would refuse: one sentence, before anything starts."""

import pytest
import torch
import yaml

from diiqn_lightning.cli.resolving import RefusedRunError, resolve

PRIORITIZED = {"alpha": 0.6, "epsilon": 1e-3}


def model(**arguments):
    return {"model": {"class_path": "DIIQN", "init_args": arguments}}


def optimizer(name, **arguments):
    return model(optimizer={"class_path": name, "init_args": arguments})


@pytest.fixture
def answer(tmp_path):
    """What ``fit`` says to a layer over the default configuration; nothing if it would run."""

    def ask(layer):
        (tmp_path / "layer.yaml").write_text(yaml.dump(layer))
        options = ("--config=configs/diiqn.yaml", f"--config={tmp_path / 'layer.yaml'}", "--expert=weak")
        try:
            resolve([("it", options)])
        except RefusedRunError as refusal:
            return str(refusal)
        return None

    return ask


NULL = "null stands for nothing here, give a value"


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        ({"data": {"num_envs": None}}, f"data.num_envs is None: {NULL}, or leave the line out for its default, 32."),
        ({"threads": None}, f"threads is None: {NULL}, or leave the line out for its default, 1."),
        ({"data": {"prioritized": PRIORITIZED | {"alpha": None}}}, "data.prioritized.alpha is None"),
        ({"expert_sampling": {"held_out": None}}, "expert_sampling.held_out is None"),
        (model(discount=None), "model.discount is None"),  # an argument of the base class
        (model(double=None), f"model.double is None: {NULL}, or leave the line out for its default, True."),
        (model(exploration={"start": None, "end": 0.01, "frames": 9}), "are required: exploration.start"),
        (model(confidence={"class_path": "ReturnConfidence", "init_args": {"beta": None}}), "model.confidence.beta is"),
        (model(expert_weight=float("nan")), "model.expert_weight is nan: give a number."),
        (optimizer("torch.optim.Adam", betas=[0.9, float("nan")]), "model.optimizer.betas[1] is nan: give a number."),
        (optimizer("diiqn_lightning.optimizer.LeanAdam", lr=-1.0), "Invalid learning rate: -1.0"),
        (optimizer("torch.optim.Adam", fused=True, foreach=True), "`fused` and `foreach` cannot be `True` together"),
        (optimizer("torch.optim.SGD", lr=0.1, momentum=-2.0), "Invalid momentum value: -2.0"),
        (model(exploration={"start": 2.0, "end": 0.01, "frames": 9}), "model.exploration.start is 2.0: give a number"),
        (
            {"data": {"prioritized": {"beta": {"start": 0.4, "end": 3.0, "frames": 9}}}},
            "data.prioritized.beta.end is 3.0: give a number from 0 to 1.",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else yaml.dump(value, default_flow_style=True).strip(),
)
def test_what_no_field_can_be_is_refused(layer, sentence, answer):
    assert sentence in answer(layer)


class Theirs(torch.optim.SGD):
    """An optimizer whose annotation leaves "or None" out."""

    def __init__(self, params, lr: float = 0.1, decay: float = None):  # noqa: RUF013
        super().__init__(params, lr=lr)


@pytest.mark.parametrize(
    "layer",
    [
        {"data": {"env_kwargs": {"sticky_action_prob": 0.1, "difficulty_ramping": None}}},
        optimizer("tests.cli.test_value_check.Theirs"),
        {"data": {"prioritized": None}},
        model(hidden=None),
        model(annealing=None),
        {"expert_transitions": None},
    ],
    ids=[
        "an environment's own",
        "an optimizer's default",
        "uniform replay",
        "widths by the observation",
        "no annealing",
        "all of the expert",
    ],
)
def test_null_where_it_has_a_meaning_is_not(layer, answer):
    assert answer(layer) is None


def test_null_for_one_field_of_a_block_on_the_command_line_names_the_way_to_say_it(run):
    code, _, complaint = run("fit", "--config=configs/gaifo.yaml", "--model.discriminator.transitions=null")
    assert code == 2
    assert "--model.discriminator '{transitions: null}'" in complaint


def test_that_way_leaves_the_other_fields_of_the_block_as_they_are(run, capfd):
    with pytest.raises(SystemExit):
        run("fit", "--config=configs/gaifo.yaml", "--model.discriminator", "{transitions: null}", "--print_config")
    assert "gradient_penalty: 0.0\n      transitions: null" in capfd.readouterr().out
