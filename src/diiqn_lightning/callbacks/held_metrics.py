"""What Lightning's own callbacks and a module's ``self.log`` hand to the loggers: values without environment frames."""

from collections.abc import Mapping


class HeldMetrics:
    """Keeps values that do not say at how many frames they were measured, until a row comes that does.

    Lightning counts batches and epochs, which are no measure here (a batch is several updates, and a run that is
    resumed counts its epochs anew), so that its ``epoch`` is left out.
    """

    def __init__(self) -> None:
        self._held: dict[str, float] = {}

    def row(self, metrics: Mapping[str, float]) -> dict[str, float] | None:
        """A row with what was kept, or ``None`` where these values have to be kept, too.

        Args:
            metrics: values by name, with ``frames`` if they are a row's.
        """
        if "frames" not in metrics:
            self._held |= {name: value for name, value in metrics.items() if name != "epoch"}
            return None
        held, self._held = self._held, {}
        return {**held, **metrics}
