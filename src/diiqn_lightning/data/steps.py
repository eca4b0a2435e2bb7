"""Steps of the environments: while the learner waits, or while it learns."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from tensordict import TensorDict, TensorDictBase
from torch import Tensor

from diiqn_lightning import keys
from diiqn_lightning.envs.episodes import restore_running_episodes, running_episodes
from diiqn_lightning.envs.faults import naming_the_environment


class Steps:
    """One step of all environments at a time, begun with their actions and ended with what came of them.

    Args:
        env: TorchRL environment of batch size ``[E]``.
        in_background: a step goes on while the caller does something else. Only worth it where the environments
            step in processes of their own: a thread waits for them.
    """

    def __init__(self, env: Any, in_background: bool = False) -> None:
        self.env = env
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="environments") if in_background else None
        self._current: TensorDictBase | None = None
        self._begun: Future[tuple[TensorDictBase, TensorDictBase]] | None = None

    @property
    def is_begun(self) -> bool:
        """Whether a step was begun and not ended."""
        return self._begun is not None

    def observation(self) -> Tensor:
        """What the next actions answer to, ``[E, *O]``; the first time it resets the environments."""
        if self._current is None:
            with naming_the_environment():
                self._current = self.env.reset()
        observation: Tensor = self._current.get(keys.OBSERVATION)
        return observation

    def begin(self, action: Tensor) -> None:
        """Begin a step with the actions ``[E]``."""
        assert self._current is not None
        self._current.set(keys.ACTION, action)
        if self._thread is not None:
            self._begun = self._thread.submit(self.env.step_and_maybe_reset, self._current)
            return
        with naming_the_environment():
            step = self.env.step_and_maybe_reset(self._current)
        self._begun = Future()
        self._begun.set_result(step)

    def end(self) -> TensorDictBase:
        """What came of the step that was begun, ``[E]``."""
        assert self._begun is not None
        with naming_the_environment():
            step, self._current = self._begun.result()
        self._begun = None
        return step

    def close(self) -> None:
        """End the environments, after a step that may still be going on."""
        if self._thread is not None:
            self._thread.shutdown()
        self.env.close()

    def state(self) -> dict[str, Any]:
        """Running episodes, and what came of a step that was begun: it is not made again."""
        if self._current is None:
            return {}
        state: dict[str, Any] = {}
        current = self._current
        if self._begun is not None:
            with naming_the_environment():
                step, current = self._begun.result()
            state["begun"] = step.to_dict()
        return state | {
            "running_episodes": running_episodes(self.env),
            "observation": current.get(keys.OBSERVATION),
        }

    def load_state(self, state: dict[str, Any]) -> bool:
        """Replay the running episodes of a state that has some.

        Returns:
            Whether the environments are where they were.
        """
        if "running_episodes" not in state:
            return True
        self._current = restore_running_episodes(self.env, state["running_episodes"])
        if "begun" in state:
            self._begun = Future()
            self._begun.set_result((TensorDict(state["begun"], self.env.batch_size), self._current))
        return torch.equal(self._current.get(keys.OBSERVATION), state["observation"])
