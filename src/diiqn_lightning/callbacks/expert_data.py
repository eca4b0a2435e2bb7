"""Brings the expert's dataset into a run, and holds what the run learns about it."""

from pathlib import Path
from typing import Any

import lightning

from diiqn_lightning.experts import ExpertDataset, InferredActions
from diiqn_lightning.experts.searches import ExpertSearches
from diiqn_lightning.experts.sources import SKILLS, load_any


class ExpertData(lightning.Callback):
    """Loads the dataset, checks that it fits the environment, and keeps the table of inferred actions.

    The other callbacks of the expert's side find it with :meth:`of`.

    Args:
        source: the dataset: a file, a folder, or ``minari:ID``.
        transitions: use only the first whole episodes that hold so many; null uses all.
    """

    def __init__(self, source: str, transitions: int | None = None) -> None:
        self.source, self.name = source, Path(source).stem
        named_skill = self.name.rsplit("-", 1)[-1]
        self.skill = named_skill if named_skill in SKILLS else None
        self.dataset: ExpertDataset = load_any(source)
        if transitions is not None:
            self.dataset = self.dataset.first(transitions)
        self.states = self.dataset.states
        self.table = InferredActions(self.states.num_transitions)
        self.searches = ExpertSearches(self.states)

    @staticmethod
    def of(trainer: Any) -> "ExpertData":
        """The run's expert data.

        Raises:
            RuntimeError: if the run has none.
        """
        for callback in trainer.callbacks:
            if isinstance(callback, ExpertData):
                return callback
        raise RuntimeError("This callback needs the expert's dataset: add an ExpertData callback before it.")

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Refuse a dataset of another environment."""
        spec = trainer.datamodule.spec
        self.dataset.check_fits(spec.observation_shape, spec.observation_dtype, trainer.datamodule.env)

    def summary(self) -> dict[str, Any]:
        """What a run's summary says of its expert."""
        return {
            "name": self.name,
            "skill": self.skill,
            "hash": self.states.content_hash,
            "return": self.dataset.card.get("return_mean"),
            "transitions": self.states.num_transitions,
        }

    def rank_state(self) -> dict[str, Any]:
        """The table, and the dataset that it belongs to."""
        return {"table": self.table.state(), "hash": self.states.content_hash}

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Continue with the table."""
        self.table.load_state(state["table"])
