"""DIIQN: double DQN that also learns from an expert's inferred transitions (arXiv 2511.03616)."""

from typing import Any

import torch
from tensordict import TensorDictBase
from torch import Tensor, nn
from torch.optim import Optimizer

from diiqn_lightning import keys
from diiqn_lightning.algorithm.confidence import Confidence, Evidence, ReturnConfidence
from diiqn_lightning.algorithm.losses import (
    action_value,
    double_q_value,
    elementwise_loss,
)
from diiqn_lightning.errors import InputError, require_within
from diiqn_lightning.labeller import TransitionLabeller
from diiqn_lightning.modules.carry_over import CarryOver, CarryOverMeter
from diiqn_lightning.modules.diiqn_settings import ExpertLoss, Fading, check_combination
from diiqn_lightning.modules.dqn import DQN
from diiqn_lightning.modules.heads import Heads
from diiqn_lightning.modules.labelling import LabellerSettings, labeller_group, labeller_losses
from diiqn_lightning.modules.outgrowing import Outgrowing
from diiqn_lightning.modules.shaping import ExpertPotential, ShapingSettings

TRUST_RATE = 0.02
"""Share of the newest batch in the running mean of Φ, of every 256 transitions where it has more."""


class DIIQN(DQN):
    """Deep implicit imitation Q-network: L = Φ · L_e + (1 − Φ) · L_a, or L = L_a + λ · Φ · L_e.

    Everything about the expert comes with the batch, under ``("expert", …)``: the callbacks
    ``action_inference``, ``expert_sampling`` and ``expert_visits`` write it.

    Args:
        expert_loss: the terms of L_e.
        carry_over: lowers the weight of the imitation terms where the agent memorises; null never does.
        confidence: the rule of Φ; null takes ReturnConfidence.
        combination: mix (the published one) or add.
        expert_weight: λ of add.
        fading: lets what is learned from the expert fade by frames; null never does.
        priority: agent (|δ_a|) or mixed (Φ|δ_e| + (1 − Φ)|δ_a|; needs the td term).
        labeller: the network of learned inference; null has none (nearest-transition inference).
        shaping: potential-based shaping with the expert's state value; null has none.
        trusting_exploration: κ in [0, 1]: what ε is above its last value is multiplied by 1 − κ · Φ̄, where Φ̄ is the
            running mean of Φ. Who trusts the expert acts as the network says, which is as the expert would, in
            place of at random, and learns in the states that this leads to (design choice).
        value_heads: gives the network further outputs, which only TD errors train. Their mean rates the actions
            that the agent would take, in all targets and wherever a confidence asks for the agent's value.
            What the expert's loss adds to the first output then never enters a target: raised by a
            margin in each state, values would be inflated state by state, and an agent that overrates
            itself trusts no expert (design choice). Several start apart and agree only where data made them,
            so that their spread tells how uncertain a value is (Osband et al., 2016, without masks).
        value_network: whether the value heads are outputs of the policy's network (shared) or have one of their own
            (own), of the same form: what imitation does to the layers below the policy then leaves the values alone
            that targets are made of (design choice). One that begins with the policy network's weights (twin) differs
            from it by what imitation did, and by nothing else: with no expert to imitate both are one DQN, where two
            that differ from the start hold each other back, since each learns from what both did (Lin et al., 2024,
            "The Curse of Diversity in Ensemble-Based Exploration"; design choice).
        acting: which values the greedy action is the largest of, and a target's next action: policy (those of the first
            output, margins and all) or mean (the mean of these and of the value heads'; design choice).
        observation_shape, num_actions, **dqn: arguments of :class:`DQN`.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        expert_loss: ExpertLoss = ExpertLoss(),
        confidence: Confidence | None = None,
        combination: str = "add",
        expert_weight: float = 1.0,
        fading: Fading | None = None,
        priority: str = "agent",
        labeller: LabellerSettings | None = None,
        shaping: ShapingSettings | None = None,
        trusting_exploration: float = 0.0,
        value_heads: int = 0,
        value_network: str = "shared",
        acting: str = "policy",
        carry_over: CarryOver | None = None,
        **dqn: Any,
    ) -> None:
        super().__init__(observation_shape, num_actions, **dqn)
        if expert_weight < 0:
            raise InputError("model.expert_weight", expert_weight, "give 0 or a larger number")
        check_combination(combination, priority, expert_loss, expert_weight, fading, carry_over)
        require_within(0, 1, **{"model.trusting_exploration": trusting_exploration})
        self.fading, self.td_share, self.imitation_share = fading, 1.0, 1.0
        self.outgrowing = Outgrowing(fading.outgrown) if fading is not None and fading.outgrown is not None else None
        self.trusting_exploration = trusting_exploration
        self.register_buffer("trust", torch.zeros(()))
        self.expert_loss, self.combination = expert_loss, combination
        self.confidence = confidence or ReturnConfidence()
        self.expert_weight, self.priority = expert_weight, priority
        self.heads = Heads(num_actions, value_heads, acting, value_network)
        self.confidence.check(value_heads, td=expert_loss.td > 0)
        if value_heads:
            self.set_networks(self.heads.build(observation_shape, dqn.get("hidden")))
        self.labeller_settings = labeller
        if labeller is not None:
            self.labeller = TransitionLabeller(observation_shape, num_actions, labeller.hidden, labeller.history)
        self.carry_over = CarryOverMeter(carry_over, num_actions) if carry_over is not None else None
        self.shaping = ExpertPotential(shaping, observation_shape) if shaping is not None else None
        self._keys_checked = False

    blocks: tuple[str, ...] = ("action_inference", "expert_sampling", "expert_visits")
    holds_out = True
    written = (keys.TD_ERROR, keys.EXPERT_WEIGHT, keys.EXPERT_AGREES)

    trust: Tensor
    """Φ̄, the running mean of Φ over batches; samples without guidance count as 0."""

    def exploration_rate(self, frames: int) -> float:
        """ε_end + (ε − ε_end) · (1 − κ · Φ̄)."""
        last = self.exploration.end
        return last + (self.exploration(frames) - last) * (1 - self.trusting_exploration * float(self.trust))

    def policy_values(self, output: Tensor) -> Tensor:
        """The first head."""
        return self.heads.policy(output)

    def acting_values(self, output: Tensor) -> Tensor:
        """The first head, or the mean of it and of the value heads'."""
        return self.heads.chosen_by(output)

    def chosen_by(self, network: nn.Module, observation: Tensor) -> Tensor:
        """:meth:`acting_values` of a network's output, and no more of it than that takes."""
        return self.heads.chosen_from(network, observation)

    def state_action_values(self, output: Tensor) -> Tensor:
        """The mean of the value heads, where there are any."""
        return self.heads.rated(output)

    def rated_by(self, network: nn.Module, observation: Tensor) -> Tensor:
        """Of the value heads alone, where they have a network of their own."""
        return self.heads.rated_by(network, observation)

    def training_step(self, batch: TensorDictBase, batch_idx: int) -> dict[str, Tensor]:
        """Make the updates of a batch ``[U, B]``; writes ``td_error`` and ``("expert", "weight")`` into it."""
        self._check_keys(batch)
        if self.fading is not None:
            self.td_share, self.imitation_share = self.fading.shares(self.environment_frames)
        if self.outgrowing is not None:
            self.imitation_share *= self.outgrowing.share
        outputs = super().training_step(batch, batch_idx)
        if self.carry_over is not None and self.imitation_share:
            outputs["expert/carry_over"] = self.carry_over.carry_over
        return outputs

    def follow(self, batch: TensorDictBase) -> None:
        """Φ̄, the carry-over, and how long the agent has been better than the expert."""
        if self.outgrowing is not None and self.outgrowing.share:
            self.outgrowing.look(float(batch.get(keys.EXPERT).get("lead").mean()), self.environment_frames)
        if not self._has_faded:  # nobody asks for Φ any more: exploration goes on with what it was
            rate = 1 - (1 - TRUST_RATE) ** max(1, batch.numel() / 256)
            self.trust.lerp_(batch.get(keys.EXPERT_WEIGHT).float().mean(), rate)
        if self.carry_over is not None and self.imitation_share:
            self.carry_over.measure(batch)

    def losses(self, update: TensorDictBase) -> dict[str, Tensor]:
        """Loss of one update ``[B]``; writes ``td_error`` and ``("expert", "weight")``."""
        if self._has_faded:
            return self._losses_without_expert(update)
        expert = update.get(keys.EXPERT)
        output = self.online(torch.cat([update.get(keys.OBSERVATION), expert.get("observation")]))
        agent_output, expert_output = output.chunk(2)
        q_expert = self.policy_values(expert_output)
        # Shaped values are relative to the potential; returns are not.
        potential = update.get(keys.EXPERT_POTENTIAL).unsqueeze(1) if self.shaping is not None else torch.zeros(())
        agent_td, agent_loss = self.td_loss(agent_output, update.get(keys.ACTION), update.get(keys.TARGET))
        expert_td = td_loss = torch.zeros_like(agent_td)
        if self._learns_td:
            expert_td, td_loss = self.td_loss(expert_output, expert.get("action"), expert.get("target"))

        evidence = self._evidence(update, expert, expert_output.detach(), potential)
        confidence, parts = self.trust_in(evidence, expert)
        confidence = torch.where(expert.get("valid"), confidence, 0.0)
        certain = torch.where(expert.get("valid"), expert.get("inference_confidence"), 0.0)
        td_weight = self.td_share * self.expert_loss.weigh_td(confidence, certain)
        expert_loss = self.expert_loss.imitation(q_expert + potential, expert.get("action"), expert.get("return"))
        weight = self.imitation_share * confidence
        weighted = self._imitation_weight(expert, weight) * expert_loss + td_weight * self.expert_loss.td * td_loss
        if self.combination == "mix":
            loss = weighted + (1 - weight) * agent_loss
        else:
            loss = agent_loss + self.expert_weight * weighted
        loss = (update.get(keys.PRIORITY_WEIGHT) * loss).mean()

        priority = agent_td.detach().abs()
        if self.priority == "mixed" and self._learns_td:  # else the expert's side has no error to mix in
            priority = weight * expert_td.detach().abs() + (1 - weight) * priority
        update.set(keys.TD_ERROR, priority)
        # Φ as it is: who imitates less and less still explores as the expert's lead says.
        update.set(keys.EXPERT_WEIGHT, confidence)
        update.set(
            keys.EXPERT_AGREES, agrees := self.acting_values(expert_output.detach()).argmax(1) == expert.get("action")
        )
        return {
            "loss": loss,
            "train/q": self.policy_values(agent_output),
            "train/agent_loss": agent_loss,
            "expert/loss": expert_loss + self.expert_loss.td * td_loss,
            "expert/weight": weight,
            "expert/guidance_rate": expert.get("valid"),
            "expert/inference_confidence": expert.get("inference_confidence"),
            "expert/agreement": agrees,
            **parts,
        }

    def _losses_without_expert(self, update: TensorDictBase) -> dict[str, Tensor]:
        """:meth:`losses` once all of it has faded."""
        outputs = super().losses(update)
        nothing = torch.zeros_like(update.get(keys.TD_ERROR))
        update.set(keys.EXPERT_WEIGHT, nothing)
        update.set(keys.EXPERT_AGREES, nothing.bool())
        return {**outputs, "train/agent_loss": outputs["loss"], "expert/weight": nothing}

    def td_loss(self, output: Tensor, action: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """That of the policy's values, and the mean of the value heads' on top."""
        td_error, loss = super().td_loss(output, action, target)
        for rated in self.heads.each(output) if self.heads.count else ():
            rated_error = action_value(rated, action) - target
            loss = loss + elementwise_loss(rated_error, self.loss) / self.heads.count
        return td_error, loss

    def trust_in(self, evidence: Evidence, expert: TensorDictBase) -> tuple[Tensor, dict[str, Tensor]]:
        """Φ of each expert transition, ``[B]``, and its parts by name."""
        return self.confidence(evidence)

    def batch_losses(self, batch: TensorDictBase) -> dict[str, Tensor]:
        """The labeller and the expert's value learn from several updates' transitions at once."""
        losses: dict[str, Tensor] = {}
        if self._has_faded:
            return losses
        if self.labeller_settings is not None:
            losses |= labeller_losses(
                self.labeller, self.labeller_settings, batch, self.num_actions, self.environment_frames
            )
        if self.shaping is not None:
            losses["loss/expert_value"] = self.shaping.loss(batch.get(keys.EXPERT).view(-1))
        return losses

    def write_targets(self, batch: TensorDictBase) -> None:
        """Targets of the agent's transitions and, where a term needs them, of the expert's."""
        super().write_targets(batch)
        if self._has_expert_targets:
            target = self._target_of(batch.get(keys.EXPERT))
            if keys.EXPERT_LONGER in batch.keys(True):
                target = torch.maximum(target, self._target_of(batch.get(keys.EXPERT_LONGER)))
            batch.set(keys.EXPERT_TARGET, target)
        if self.shaping is not None:
            self.shaping.shape(batch, self.discount)

    def _target_of(self, outcome: TensorDictBase) -> Tensor:
        """Targets ``[U, B]`` of transitions of the expert's."""
        return self.td_target(*(outcome.get(name) for name in ("reward", "terminated", "next_observation", "discount")))

    def _imitation_weight(self, expert: TensorDictBase, confidence: Tensor) -> Tensor:
        """What weighs the imitation terms of each sample, ``[B]``."""
        weight = confidence
        if self.expert_loss.imitation_weight == "certainty":
            weight = weight * expert.get("inference_confidence")
        if self.carry_over is not None:
            weight = weight * self.carry_over.weight
        held_out = expert.get("held_out", None)
        return weight if held_out is None else torch.where(held_out, 0.0, weight)

    def forget_expert(self, frames: int) -> None:
        """Trust, carry-over and whether it was outgrown begin anew."""
        self.trust.zero_()
        if self.outgrowing is not None:
            self.outgrowing.begin_anew(frames)
        if self.carry_over is not None:
            self.carry_over.begin_anew()

    def configure_optimizers(self) -> Optimizer:
        """One optimizer; the labeller and the expert's value are parameter groups of their own."""
        groups: list[dict[str, Any]] = [{"params": list(self.online.parameters())}]
        if self.labeller_settings is not None:
            groups.append(labeller_group(self.labeller, self.labeller_settings))
        if self.shaping is not None:
            groups.append({"params": list(self.shaping.parameters()), "lr": self.shaping.settings.learning_rate})
        return self.optimizer_factory(groups)

    @property
    def _has_faded(self) -> bool:
        """Whether nothing is learned from the expert any more."""
        return not (self.imitation_share or self._learns_td)

    @property
    def _learns_td(self) -> bool:
        """Whether TD errors on the expert's transitions are learned."""
        return self.expert_loss.td > 0 and self.td_share > 0

    @property
    def _has_expert_targets(self) -> bool:
        """Whether the expert's transitions have targets: for their TD errors, or for Φ once those have faded."""
        asked_for = self.imitation_share > 0 and any(rule.asks_target for rule in self._rules)
        return self._learns_td or asked_for

    @property
    def _rules(self) -> tuple[Confidence, ...]:
        """All rules that Φ is made by."""
        return (self.confidence,)

    def _evidence(self, update: TensorDictBase, expert: TensorDictBase, output: Tensor, potential: Tensor) -> Evidence:
        """From the network's output at s_e, ``[B, …]``."""
        acting, rated = self.acting_values(output), self.state_action_values(output) + potential
        return Evidence(
            acting + potential,
            rated,
            double_q_value(acting, rated),
            self.heads.deviation(output, acting.argmax(1)),
            expert.get("action"),
            update.get(keys.ACTION),
            expert.get("count"),
            expert.get("inference_confidence"),
            expert.get("return"),
            expert.get("target") + potential.squeeze(-1) if self._has_expert_targets else expert.get("return"),
            expert.get("lead"),
        )

    def _check_keys(self, batch: TensorDictBase) -> None:
        """A missing callback must not silently turn imitation off."""
        if self._keys_checked:
            return
        for key, callback in (
            (keys.EXPERT_OBSERVATION, "expert_sampling"),
            (keys.EXPERT_COUNT, "expert_visits"),
        ):
            if key not in batch.keys(True):
                raise InputError(callback, None, f"configure the callback {callback}, which DIIQN learns from")
        self._keys_checked = True
