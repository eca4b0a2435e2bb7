"""Bridges in a run: a corridor whose expert jumps over cells, and an agent that walks."""

from types import SimpleNamespace

import pytest
import torch
from tensordict import TensorDict

from diiqn_lightning import keys
from diiqn_lightning.algorithm.bridging import node_keys
from diiqn_lightning.callbacks.bridging import Bridging
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.callbacks.feasibility import Feasibility
from diiqn_lightning.data import Replay
from diiqn_lightning.errors import InputError
from diiqn_lightning.experts import ExpertDataset, ExpertStates, files

LEFT, RIGHT = 0, 1
CELLS = 8


def cells(*numbers):
    return torch.eye(CELLS, dtype=torch.bool)[list(numbers)]


class Run:
    """What the callbacks see of a run: an expert that goes 0, 2, 4, 5 and a replay of some capacity."""

    def __init__(self, tmp_path, capacity=100, path=(0, 2, 4, 5), tolerance=None, bridge_steps="first", **bridging):
        self.path, self.steps = path, None
        states = ExpertStates(cells(*path), torch.tensor([len(path)]))
        files.save(ExpertDataset(states), tmp_path / "jump.expert")
        self.expert = ExpertData(str(tmp_path / "jump.expert"))
        self.feasibility, self.bridging = (
            Feasibility(patience=2, tolerance=tolerance),
            Bridging(refresh_every_n_frames=1, bridge_steps=bridge_steps, **bridging),
        )
        replay = Replay(capacity, None, seed=0)
        self.stream = SimpleNamespace(replay=replay, frames=0)
        data = SimpleNamespace(num_actions=2, stream=self.stream, env="Maze2D-v0", env_kwargs={}, seed=0)
        callbacks = [self.expert, self.feasibility, self.bridging]
        self.trainer = SimpleNamespace(callbacks=callbacks, datamodule=data, global_rank=0)
        for callback in (self.feasibility, self.bridging):
            callback.setup(self.trainer, SimpleNamespace(discount=0.5), "fit")

    def frames(self, *steps):
        """(cell, action, next cell) or (cell, action, next cell, reward)."""
        rows = [(*step, 0.0)[:4] for step in steps]
        here, action, there, reward = zip(*rows, strict=True)
        following = {
            "observation": cells(*there),
            "reward": torch.tensor(reward),
            "terminated": torch.zeros(len(rows), dtype=torch.bool),
        }
        frames = TensorDict(
            {
                keys.OBSERVATION: cells(*here),
                keys.ACTION: torch.tensor(action),
                "next": TensorDict(following, [len(rows)]),
            },
            [len(rows)],
        )
        self.feasibility.on_frames(frames)
        self.stream.replay.extend(frames)
        self.stream.frames += len(rows)

    def batch(self):
        """A batch of one update with the first three expert transitions, as the sampling callback leaves it."""
        expert = {
            "index": torch.arange(3),
            "observation": cells(*self.path[:3]),
            "action": torch.tensor([LEFT, LEFT, RIGHT]),
            "reward": torch.zeros(3),
            "discount": torch.full((3,), 0.5),
            "terminated": torch.zeros(3, dtype=torch.bool),
            "next_observation": cells(*self.path[1:4]),
            "inference_confidence": torch.full((3,), 0.25),
            "return": torch.zeros(3),
            "valid": torch.ones(3, dtype=torch.bool),
        }
        if self.steps is not None:
            expert["first_step"], expert["last_step"] = (torch.full((3,), step) for step in self.steps)
        batch = TensorDict({keys.EXPERT: TensorDict({k: v.unsqueeze(0) for k, v in expert.items()}, [1, 3])}, [1, 3])
        self.bridging.on_train_batch_start(self.trainer, None, batch, 0)
        return batch.get(keys.EXPERT)[0]


# The agent has tried both actions in cells 0 and 2, and once gone 0, 1, 2.
TRIED = [(2, LEFT, 1), (2, RIGHT, 3), (0, LEFT, 0), (0, RIGHT, 1, 0.25), (1, RIGHT, 2, 1.0)]


def test_what_is_not_feasible_is_replaced_by_the_first_step_of_its_bridge(tmp_path):
    run = Run(tmp_path)
    run.frames(*TRIED)
    expert = run.batch()
    assert expert["bridged"].tolist() == [True, False, False]
    assert expert["action"].tolist() == [RIGHT, LEFT, RIGHT]
    assert expert["reward"].tolist() == [0.25, 0.0, 0.0]
    assert torch.equal(expert["next_observation"], cells(1, 4, 5))
    assert expert["inference_confidence"].tolist() == [1.0, 0.25, 0.25]
    # The bridge's own cost is what the expert's return is counted with.
    detours = run.expert.table.detours
    assert detours.length.tolist() == [2, 0, 0]
    assert detours.offset.tolist() == [1, 0, 0]
    assert detours.rewards[0].tolist() == [0.25, 1.0, 0.0, 0.0, 0.0]
    # 2 to 4 is infeasible too and has no bridge yet, and 4 to 5 was never tried: no guidance.
    assert expert["valid"].tolist() == [True, False, False]
    run.frames((4, RIGHT, 5))
    assert run.batch()["valid"].tolist() == [True, False, True]


def test_what_was_never_tried_may_guide_all_the_same(tmp_path):
    run = Run(tmp_path, untested=True)
    run.frames(*TRIED)
    assert run.batch()["valid"].tolist() == [True, False, True]


def test_the_whole_path_makes_an_n_step_target(tmp_path):
    run = Run(tmp_path, bridge_target="whole_path")
    run.frames(*TRIED)
    expert = run.batch()
    assert expert["action"][0] == RIGHT
    assert expert["reward"][0] == 0.25 + 0.5 * 1.0
    assert expert["discount"][0] == 0.25
    assert torch.equal(expert["next_observation"][0], cells(2)[0])


@pytest.mark.parametrize("steps", ["all", "uncovered"])
@pytest.mark.parametrize("target", ["first_step", "whole_path"])
def test_each_step_of_a_bridge_guides_in_its_turn(tmp_path, target, steps):
    run = Run(tmp_path, bridge_steps=steps, bridge_target=target)
    run.frames(*TRIED)
    assert guidance(run) == {
        # From cell 0 the first step, or both; from cell 1, which no expert ever was in, the second one.
        0: [RIGHT, 0.25, 0.5, 1] if target == "first_step" else [RIGHT, 0.25 + 0.5, 0.25, 2],
        1: [RIGHT, 1.0, 0.5, 2],
    }


def test_returns_are_those_of_the_state_that_guides(tmp_path):
    run = Run(tmp_path, bridge_steps="all")
    run.frames(*TRIED)
    run.expert.table.returns = torch.tensor([7.0, 8.0, 9.0])
    seen = {}
    for _ in range(50):
        expert = run.batch()
        seen[int(expert["observation"][0].int().argmax())] = float(expert["return"][0])
    # The bridge's rewards 0.25 and 1, γ = ½, and 8 where it rejoins the expert.
    assert seen == {0: 0.25 + 0.5 + 0.25 * 8, 1: 1 + 0.5 * 8}


def test_where_the_expert_was_too_a_bridge_only_begins(tmp_path):
    run = Run(tmp_path, bridge_steps="uncovered")
    run.frames(*TRIED)
    run.bridging._covered = torch.cat([run.bridging._covered, node_keys(cells(1), 0.0)])
    assert list(guidance(run)) == [0]


DETOUR = (0, 2, 0, 2, 4, 5)
"""From cell 0 to 2, back, and there again."""


@pytest.mark.parametrize(("steps", "guide"), [("first", [True, True, True]), ("best", [True, False, True])])
def test_of_an_experts_detour_only_the_way_out_guides(tmp_path, steps, guide):
    run = Run(tmp_path, path=DETOUR, bridge_steps=steps)
    run.frames(*[(*step[:3], -1.0) for step in (*TRIED, (2, LEFT, 0), (3, RIGHT, 4))])
    run.expert.table.reward = torch.full((5,), -1.0)
    run.expert.table.sum_returns(torch.tensor([5]), 0.5)
    # A bridge from 0 to where the expert was in 2 for good, the step back, and the same bridge again.
    assert run.batch()["valid"].tolist() == guide
    # What earns most in a state guides there, and in cell 4 nothing does yet.
    table = run.expert.table
    if steps == "best":
        assert table.guides.at(table.node)[0].tolist() == [2, 3, 2, 3, -1]
    else:
        assert table.guides is None
        assert table.node is None


def test_of_two_that_could_guide_in_a_state_the_one_that_earns_more_does(tmp_path):
    """In cell 1 a bridge from 0 goes right, and the expert, who was there too, went left."""
    run = Run(tmp_path, path=(0, 2, 4, 1, 0), bridge_steps="best", max_rejoin=1)
    run.frames(*TRIED, (1, LEFT, 0), (3, RIGHT, 4, 1.0))
    table = run.expert.table
    table.reward = torch.tensor([0.0, 0.0, 0.0, 5.0])
    table.sum_returns(torch.tensor([4]), 0.5)
    run.batch()
    guiding = run.bridging._guiding
    assert guiding[0, :2].tolist() == [True, False]
    assert guiding[3, 0]
    table.reward = torch.tensor([0.0, 0.0, 0.0, -5.0])
    table.sum_returns(torch.tensor([4]), 0.5)
    run.stream.frames += 1
    run.batch()
    assert run.bridging._guiding[0, :2].tolist() == [True, True]
    assert not run.bridging._guiding[3, 0]


def test_where_a_step_is_asked_for_no_other_guides(tmp_path):
    run = Run(tmp_path, bridge_steps="all")
    run.frames(*TRIED)
    run.steps = (1, 1)  # the agent is in cell 1, through which the bridge from 0 leads
    assert list(guidance(run)) == [1]
    run.steps = (0, 9)
    assert set(guidance(run)) == {0, 1}
    run.steps = (2, 9)
    assert run.batch()["valid"].tolist() == [False, False, False]


def test_where_states_are_merged_the_best_is_not_looked_for(tmp_path):
    run = Run(tmp_path, bridge_steps="best", tolerance=0.1)
    run.frames(*TRIED)
    assert guidance(run) == {0: [RIGHT, 0.25, 0.5, 1], 1: [RIGHT, 1.0, 0.5, 2]}
    run.bridging._covered = torch.cat([run.bridging._covered, node_keys(cells(1), 0.1)])
    run.bridging.search()
    assert list(guidance(run)) == [0]
    assert run.expert.table.guides is None
    assert run.expert.table.node is None


def guidance(run):
    """What guides from the first expert transition in many draws: action, reward, discount, next cell by cell."""
    seen = {}
    for _ in range(50):
        expert = run.batch()
        here = int(expert["observation"][0].int().argmax())
        numbers = [float(expert[name][0]) for name in ("action", "reward", "discount")]
        seen[here] = [*numbers, int(expert["next_observation"][0].int().argmax())]
    return seen


def test_a_bridge_is_found_when_its_last_step_is_seen(tmp_path):
    run = Run(tmp_path)
    run.frames(*TRIED)
    run.batch()
    run.frames((3, RIGHT, 4, 1.0))
    assert run.batch()["bridged"].tolist() == [True, True, False]
    metrics = run.bridging.metrics()
    assert metrics["bridging/bridged"] == pytest.approx(2 / 3)
    assert metrics["bridging/length"] == 2
    assert metrics["bridging/rejoined_after"] == 1


def test_a_bridge_is_forgotten_when_one_of_its_frames_leaves_the_replay(tmp_path):
    run = Run(tmp_path, capacity=6)
    run.bridging.refresh_every_n_frames = 1000  # no search in between
    run.frames(*TRIED)
    assert run.batch()["bridged"].tolist() == [True, False, False]
    run.frames(*[(5, RIGHT, 6)] * 4)  # the frames before the bridge's are gone
    assert run.batch()["bridged"].tolist() == [True, False, False]
    run.frames((5, RIGHT, 6))  # and now its first one
    assert run.batch()["bridged"].tolist() == [False, False, False]


def test_what_turns_out_feasible_needs_no_bridge(tmp_path):
    run = Run(tmp_path)
    run.frames(*TRIED)
    run.batch()
    run.frames((0, RIGHT, 2))
    expert = run.batch()
    assert expert["bridged"].tolist() == [False, False, False]
    assert expert["action"][0] == LEFT  # whatever inference says


@pytest.mark.parametrize("steps", ["first", "best"])
def test_its_state_can_be_taken_up(tmp_path, steps):
    one, other = (Run(tmp_path, bridge_steps=steps) for _ in range(2))
    one.frames(*TRIED)
    one.batch()
    one.bridging._guiding[0, 0] = False  # as if something else earned more in cell 0
    for name in ("feasibility", "bridging"):
        getattr(other, name).load_rank_state(getattr(one, name).rank_state())
    other.stream.replay.load_state(one.stream.replay.state())
    other.stream.frames = one.stream.frames
    taken_up, went_on = other.batch(), one.batch()
    for name in ("action", "observation", "valid"):
        assert torch.equal(taken_up[name], went_on[name])


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"max_steps": 0}, "max_steps is 0"),
        ({"max_rejoin": 0}, "max_rejoin is 0"),
        ({"refresh_every_n_frames": 0}, "refresh_every_n_frames is 0"),
        ({"at_agent": 1.5}, "at_agent is 1.5"),
        ({"bridge_target": "half"}, "bridge_target is 'half'"),
    ],
)
def test_bad_settings_are_refused(arguments, field):
    with pytest.raises(InputError, match=field):
        Bridging(**arguments)
