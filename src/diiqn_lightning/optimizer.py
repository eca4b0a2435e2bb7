"""Adam without the bookkeeping around it."""

from typing import Any, cast

import torch
from torch import Tensor

Prepared = tuple[dict[str, Any], list[Tensor], list[Tensor], list[Tensor], Tensor]
"""A group, its parameters, their first and second moments, and how many steps they have made."""


class LeanAdam(torch.optim.Adam):
    """Fused Adam (Kingma and Ba, 2015) whose step is the fused kernel and nothing else.

    ``torch.optim.Adam`` collects its tensors, groups them by device and asks for graph captures at
    each step, counts steps once for each tensor, and announces each step to the profiler; for networks of
    this size that costs more than the arithmetic. The numbers and the state are Adam's, to the bit.
    Hooks on the step (``register_step_pre_hook``) are not called.

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        betas: decay rates of the two moments.
        eps: ε in the denominator.
        weight_decay: λ; of the loss (an L2 penalty, whose gradient Adam scales like any other), or of the weights.
        decoupled: has each step multiply the weights by 1 − lr · λ in place of the penalty (AdamW; Loshchilov and
            Hutter, 2019, "Decoupled Weight Decay Regularization").
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, fused=True, decoupled_weight_decay=decoupled
        )
        self._kernel = torch._fused_adamw_ if decoupled else torch._fused_adam_
        self._prepared: list[Prepared] | None = None
        self._untouched: list[dict[str, Any]] = []  # groups that were no part of any loss yet

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One step from the gradients; the first one makes the state."""
        if closure is not None:
            raise NotImplementedError("LeanAdam takes no closure: compute the loss before the step.")
        if self._prepared is None or any(_has_gradient(group) for group in self._untouched):
            self._whole_step()
            return
        for group, parameters, moments, squares, steps in self._prepared:
            if parameters[0].grad is None:  # this group was no part of the loss
                continue
            steps.add_(1)
            self._kernel(
                parameters,
                [cast(Tensor, parameter.grad) for parameter in parameters],
                moments,
                squares,
                [],
                [steps] * len(parameters),
                lr=group["lr"],
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )

    def _whole_step(self) -> None:
        """Torch's own, which makes the state of parameters that have a gradient for the first time."""
        self._count_apart()
        super().step()
        touched: list[dict[str, Any]] = []
        self._untouched = []
        for group in self.param_groups:
            (touched if any(p in self.state for p in group["params"]) else self._untouched).append(group)
        together = all(self._steps_together(group) for group in touched)
        self._prepared = [self._tensors_of(group) for group in touched] if together else None

    # Torch wraps a class's step in what announces it to the profiler, unless this says that it has.
    step.hooked = True  # type: ignore[attr-defined]

    def _steps_together(self, group: dict[str, Any]) -> bool:
        """Whether all of a group's parameters have made as many steps."""
        parameters = group["params"]
        return all(p in self.state for p in parameters) and len({float(self.state[p]["step"]) for p in parameters}) == 1

    def _tensors_of(self, group: dict[str, Any]) -> Prepared:
        """A group, its parameters, their moments, and the count of steps that they share from now on."""
        states = [self.state[parameter] for parameter in group["params"]]
        steps = states[0]["step"]
        for state in states:
            state["step"] = steps
        return group, group["params"], [s["exp_avg"] for s in states], [s["exp_avg_sq"] for s in states], steps

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Adam's own, each parameter with a count of steps to itself, as torch's Adam would go on from."""
        state_dict = super().state_dict()
        state = {number: {**state, "step": state["step"].clone()} for number, state in state_dict["state"].items()}
        return {**state_dict, "state": state}

    def load_state_dict(self, state_dict: Any) -> None:
        """Adam's own, and collect the tensors anew."""
        super().load_state_dict(state_dict)
        self._prepared = None

    def _count_apart(self) -> None:
        """Torch's own step counts each parameter's; here they share a count."""
        for state in self.state.values():
            state["step"] = state["step"].clone()


def _has_gradient(group: dict[str, Any]) -> bool:
    return any(parameter.grad is not None for parameter in group["params"])
