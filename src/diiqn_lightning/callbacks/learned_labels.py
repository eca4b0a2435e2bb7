"""Infers the expert's actions by a network that learns from the agent's transitions."""

from typing import Any

import torch
from tensordict import TensorDictBase
from torch import Tensor

from diiqn_lightning import keys
from diiqn_lightning.algorithm.inference import above_chance
from diiqn_lightning.algorithm.reward_sizes import RewardSizes
from diiqn_lightning.callbacks.action_inference import ActionInference
from diiqn_lightning.callbacks.rank_merging import gathering
from diiqn_lightning.errors import InputError, require_positive, require_within
from diiqn_lightning.labeller import Labels
from diiqn_lightning.modules.labelling import is_taught
from diiqn_lightning.modules.ranks import total_over_ranks

LABELLED_AT_ONCE = 256
"""Transitions of the expert's in a pass through the labeller."""


class LearnedLabels(ActionInference):
    """Labels the expert's transitions with the module's labeller, again and again as it learns.

    Actions stay as they are once the agent explores too little to teach the labeller about them
    (``model.labeller.largest_action_weight``); rewards and terminations are labelled anew to the end.

    Args:
        relabel_every_n_frames: environment frames from one labelling to the next, at least.
        relabel_share: of all frames so far, that also have to lie in between: labels change less and less, and a
            labelling of 30,000 transitions costs as much as some hundred frames (design choice). 0 keeps the distance.
        labelled_at_most: transitions that are labelled then. After the first time, when all are, those of a larger
            dataset have their turns: what labelling costs does not grow with the dataset (design choice).
        certainty: ζ of a label: probability (p, of its action) or above_chance ((A · p − 1) / (A − 1), which
            is 0 where the states do not tell actions apart and every action is as probable) (design choice).
    """

    asks_labeller = True

    def __init__(
        self,
        relabel_every_n_frames: int = 2_000,
        relabel_share: float = 0.0,
        certainty: str = "probability",
        labelled_at_most: int = 50_000,
    ) -> None:
        require_positive(
            **{
                "action_inference.relabel_every_n_frames": relabel_every_n_frames,
                "action_inference.labelled_at_most": labelled_at_most,
            }
        )
        require_within(0, 1, **{"action_inference.relabel_share": relabel_share})
        if certainty not in ("probability", "above_chance"):
            raise InputError("action_inference.certainty", certainty, "choose probability or above_chance")
        self.relabel_every_n_frames, self.relabel_share = relabel_every_n_frames, relabel_share
        self.certainty, self.labelled_at_most = certainty, labelled_at_most
        self._labelled_at = 0
        self._labelled_to: int | None = None
        self._reward_sizes = RewardSizes()

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Find the module and the stream."""
        super().setup(trainer, pl_module, stage)
        self._module, self._stream = pl_module, trainer.datamodule
        self._episode_step: Tensor | None = None

    def on_actions(self, chosen: TensorDictBase) -> None:
        """Store how probable the actions are, while the policy is the one that chose them."""
        if self._module.labeller_settings.largest_action_weight is not None:
            observation, action = chosen.get(keys.OBSERVATION), chosen.get(keys.ACTION)
            probability = self._module.behaviour_probability(observation, action, self._stream.frames)
            chosen.set(keys.BEHAVIOUR_PROBABILITY, probability)

    def on_frames(self, frames: TensorDictBase) -> None:
        """Store what the labeller's input asks for: how long episodes are already."""
        self._reward_sizes.observe(frames.get(keys.REWARD))
        settings = self._module.labeller_settings
        if settings.history:
            lengths = self._stream.stream.running_lengths.clone()
            frames.set(
                keys.EPISODE_STEP, torch.zeros_like(lengths) if self._episode_step is None else self._episode_step
            )
            self._episode_step = lengths

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: TensorDictBase, batch_idx: int) -> None:
        """Fetch what came before the agent's states; label when it is time. Until the first time nothing guides."""
        history = pl_module.labeller_settings.history
        if history:
            replay, index = self._stream.stream.replay, batch.get(keys.INDEX).cpu()
            before = replay.preceding(index.flatten(), history, self._stream.num_envs)
            batch.set(keys.HISTORY, before.unflatten(0, index.shape).to(pl_module.device))
        frames = self._stream.frames
        if frames - self._labelled_at >= max(self.relabel_every_n_frames, self.relabel_share * frames):
            self._labelled_at = frames
            states, table = self._expert.states, self._expert.table
            if self._module.trainer.world_size > 1:
                self._reward_sizes.observe(gathering(self._module.trainer)(self._reward_sizes.padded))
            transition = self._turn(states.num_transitions)
            action, certainty, reward, terminated = self._label(transition, history)
            if self.certainty == "above_chance":
                certainty = above_chance(certainty, pl_module.num_actions)
            if not is_taught(pl_module.labeller):
                # What was labelled while it was taught stays; what never was, as after a beginning with fresh data, is
                # labelled by what it learned before.
                before = table.action[transition]
                certainty = torch.where(before >= 0, table.certainty[transition], certainty)
                action = torch.where(before >= 0, before, action)
            # An expert transition that another one follows did not end its episode.
            table.relabel(action, certainty, reward, terminated & states.is_last[transition], transition)
            table.sum_returns(states.episode_lengths, self._discount, transition)

    def _turn(self, count: int) -> Tensor:
        """Which of ``count`` transitions are labelled this time."""
        if self._labelled_to is None or count <= self.labelled_at_most:
            self._labelled_to = 0
            return torch.arange(count)
        transition = (self._labelled_to + torch.arange(self.labelled_at_most)) % count
        self._labelled_to = int(transition[-1]) + 1
        return transition

    def _label(self, transition: Tensor, history: int) -> Labels:
        """Labels of some of the expert's transitions; processes, whose labellers are the same, share the work out."""
        labeller, device, states = self._module.labeller, self._module.device, self._expert.states
        # Made beforehand: small results between the large tensors of each pass would leave the heap full of holes. What
        # the outputs say is worked out for all at once: piece by piece it is many small operations.
        outputs = torch.zeros(len(transition), labeller.head.out_features, device=device)
        pieces = torch.split(torch.arange(len(transition)), LABELLED_AT_ONCE)
        with torch.no_grad():
            for piece in pieces[self._module.global_rank :: self._module.trainer.world_size]:
                some = transition[piece]
                seen = [states.observation(some), states.next_observation(some)]
                seen += [states.preceding(some, history)] if history else []
                outputs[piece[0] : piece[-1] + 1] = labeller.outputs(*(part.to(device) for part in seen))
            # A piece is of one process, and 0 in all others.
            outputs = total_over_ranks(self._module, outputs).to(device)
            return Labels(*(part.cpu() for part in labeller.labels_of(outputs, self._reward_sizes)))

    def rank_state(self) -> dict[str, Any]:
        """When labels were last given, whose turn it is next, and steps that the running episodes have."""
        own = {"labelled_at": self._labelled_at, "labelled_to": self._labelled_to, "episode_step": self._episode_step}
        return {**super().rank_state(), **own, "reward_sizes": self._reward_sizes.state()}

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Continue the running episodes."""
        super().load_rank_state(state)
        self._labelled_at, self._labelled_to = state["labelled_at"], state["labelled_to"]
        self._episode_step = state["episode_step"]
        if "reward_sizes" in state:
            self._reward_sizes.load_state(state["reward_sizes"])
