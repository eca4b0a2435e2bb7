"""Environments that step in processes of their own, behind the interface of Gymnasium's vector environments."""

import ctypes
import multiprocessing
import signal
import traceback
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from diiqn_lightning.envs.episodes import SeededEpisodes

Make = Callable[[], SeededEpisodes]


class WorkerFailedError(RuntimeError):
    """A worker process died, hangs, or its environment raised."""


class SharedBuffers:
    """What goes to and fro between the processes, in memory that all of them see.

    Attributes:
        observation: ``[E, *O]``.
        reward: ``[E]`` float64.
        terminated, truncated: ``[E]`` bool.
        action: ``[E]`` int64.

    Args:
        environments: E.
        space: of one observation.
    """

    def __init__(self, environments: int, space: gym.spaces.Box) -> None:
        self.observation = _shared((environments, *space.shape), space.dtype)
        self.reward = _shared((environments,), np.float64)
        self.terminated, self.truncated = (_shared((environments,), np.bool_) for _ in range(2))
        self.action = _shared((environments,), np.int64)


class WorkerVectorEnv(gym.vector.VectorEnv[Any, Any, Any]):
    """Shares environments out among processes; what they give is the same, to the bit, as in one process.

    Processes are forked, so that environments that were registered in this one are known there too. Observations,
    rewards and actions lie in shared memory; pipes carry the word that it is time. Episodes are not reset
    by themselves.

    Args:
        makes: make one environment each.
        workers: number of processes, at most as many as environments.
        timeout: seconds after which a worker that does not answer counts as hanging.

    Raises:
        WorkerFailedError: by every method, see there.
    """

    def __init__(self, makes: Sequence[Make], workers: int, timeout: float) -> None:
        self.num_envs, self.timeout = len(makes), timeout
        self.autoreset_mode = AutoresetMode.DISABLED  # where TorchRL looks for it
        with makes[0]() as probe:
            self.single_observation_space, self.single_action_space = probe.observation_space, probe.action_space
            self.metadata = {**probe.metadata, "autoreset_mode": AutoresetMode.DISABLED}
            self.render_mode = None
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        assert isinstance(self.single_observation_space, gym.spaces.Box)
        self._shared = SharedBuffers(self.num_envs, self.single_observation_space)
        context = multiprocessing.get_context("fork")
        bounds = np.linspace(0, self.num_envs, min(workers, self.num_envs) + 1).astype(int)
        self._shares = [range(*pair) for pair in pairwise(bounds)]
        self._pipes: list[Connection] = []
        self._processes: list[Any] = []
        for share in self._shares:
            ours, theirs = context.Pipe()
            # A forked worker has copies of our ends: as long as one is open, no end is seen when this process dies.
            arguments = (theirs, [*self._pipes, ours], [makes[index] for index in share], share, self._shared)
            process = context.Process(target=_work, args=arguments, daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        # Before the interpreter waits for its daemons, which ignore the signal that it would end them by.
        self._finalizer = Finalize(self, _end, args=(self._pipes, self._processes), exitpriority=1)
        self._ask("reset", np.zeros(self.num_envs, dtype=bool), patient=True)  # has them made

    def reset(
        self, *, seed: Any = None, options: Mapping[str, Any] | None = None
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Start the next episode of all environments, or of those in ``options["reset_mask"]``."""
        mask = (options or {}).get("reset_mask")
        mask = np.ones(self.num_envs, dtype=bool) if mask is None else np.asarray(mask)
        self._ask("reset", mask)
        return self._shared.observation.copy(), {}

    def step(self, actions: Any) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Step all environments."""
        self._shared.action[:] = actions
        self._ask("step")
        shared = self._shared
        results = (shared.observation, shared.reward, shared.terminated, shared.truncated)
        observation, reward, terminated, truncated = (part.copy() for part in results)
        return observation, reward, terminated, truncated, {}

    def running(self) -> list[tuple[int, list[int]]]:
        """Number and actions of each environment's running episode."""
        return [episode for part in self._ask("running") for episode in part]

    def restore(self, episodes: Sequence[tuple[int, list[int]]]) -> NDArray[Any]:
        """Replay running episodes; gives the observations there."""
        self._ask("restore", list(episodes), patient=True)  # whole episodes, and not a step
        return self._shared.observation.copy()

    def close_extras(self, **kwargs: Any) -> None:
        """End the processes."""
        self._finalizer()

    def _ask(self, command: str, argument: Any = None, patient: bool = False) -> list[Any]:
        """Send a command to all workers and wait for all answers, for as long as it takes where ``patient``."""
        try:
            for pipe in self._pipes:
                pipe.send((command, argument))
            answers = [self._answer(number, None if patient else self.timeout) for number in range(len(self._pipes))]
        except (EOFError, BrokenPipeError, ConnectionResetError) as error:
            for process in self._processes:
                process.join(timeout=0.2)  # its exit code is known a moment after its pipe has closed
            codes = {process.exitcode for process in self._processes} - {None, 0}
            raise WorkerFailedError(f"a worker process died (exit code {', '.join(map(str, codes)) or '?'})") from error
        failures = [answer for failed, answer in answers if failed]
        if failures:
            raise WorkerFailedError(failures[0])
        return [answer for _, answer in answers]

    def _answer(self, number: int, timeout: float | None) -> tuple[bool, Any]:
        pipe = self._pipes[number]
        if not pipe.poll(timeout):
            share = self._shares[number]
            raise WorkerFailedError(
                f"environments {share[0]} to {share[-1]} have not answered within {self.timeout:g} s"
            )
        answer: tuple[bool, Any] = pipe.recv()
        return answer


def _end(pipes: Sequence[Connection], processes: Sequence[Any]) -> None:
    """End workers."""
    for pipe in pipes:
        pipe.close()  # what a worker takes for the end
    for process in processes:
        process.join(timeout=1)
        if process.is_alive():
            process.kill()
            process.join()


def _shared(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """An array in memory that forked processes share."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = multiprocessing.RawArray(ctypes.c_byte, max(1, size))
    array: NDArray[Any] = np.frombuffer(memory, dtype=dtype, count=int(np.prod(shape)))  # type: ignore[call-overload]
    return array.reshape(shape)


def _work(
    pipe: Connection, copies: Sequence[Connection], makes: Sequence[Make], share: range, shared: SharedBuffers
) -> None:
    """The life of a worker: answer commands until the pipe is closed."""
    for copy in copies:
        copy.close()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)  # the learner decides what they mean, and needs its environments for that
    environments: list[SeededEpisodes] = []
    try:
        while True:
            command, argument = pipe.recv()
            try:
                if not environments:
                    environments = [make() for make in makes]
                pipe.send((False, _do(command, argument, environments, share, shared)))
            except Exception as error:  # an environment's; the learner says what it was
                where = traceback.extract_tb(error.__traceback__)[-1]
                pipe.send((True, f"{type(error).__name__}: {error} (line {where.lineno} of {where.filename})"))
    except (EOFError, OSError):
        pass  # the learner has ended


def _do(command: str, argument: Any, environments: list[SeededEpisodes], share: range, shared: SharedBuffers) -> Any:
    for index, environment in zip(share, environments, strict=True):
        if command == "step":
            (
                observation,
                shared.reward[index],
                shared.terminated[index],
                shared.truncated[index],
                _,
            ) = environment.step(shared.action[index])
            shared.observation[index] = _of_shape(observation, shared)
        elif command == "reset" and argument[index]:
            shared.observation[index] = _of_shape(environment.reset()[0], shared)
        elif command == "restore":
            shared.observation[index] = _of_shape(environment.restore(*argument[index]), shared)
    if command == "running":
        return [(environment.episode, environment.actions) for environment in environments]
    return None


def _of_shape(observation: Any, shared: SharedBuffers) -> Any:
    """The observation, if it is of the space's shape: the buffer would repeat a smaller one without a word."""
    if np.shape(observation) != shared.observation.shape[1:]:
        raise ValueError(f"an observation of shape {np.shape(observation)} and not {shared.observation.shape[1:]}")
    return observation
