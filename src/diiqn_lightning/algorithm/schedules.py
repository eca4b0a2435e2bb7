"""Values that change with the number of environment frames."""

from dataclasses import dataclass

from diiqn_lightning.errors import require_positive


@dataclass(frozen=True)
class LinearSchedule:
    """Goes from one value to another in a straight line, then stays.

    Args:
        start: value at frame 0.
        end: value from frame ``frames`` on.
        frames: length of the line in environment frames (all environments and ranks together).
    """

    start: float
    end: float
    frames: int

    def __post_init__(self) -> None:
        require_positive(frames=self.frames)

    def __call__(self, frames: int) -> float:
        """Value after ``frames`` environment frames."""
        progress = min(max(frames / self.frames, 0.0), 1.0)
        return self.start + (self.end - self.start) * progress
