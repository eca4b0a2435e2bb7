"""Values that change with the number of environment frames."""

from dataclasses import dataclass

from diiqn_lightning.errors import InputError, require_positive


@dataclass(frozen=True)
class LinearSchedule:
    """Goes from one value to another in a straight line, then stays.

    Args:
        start: value up to frame ``after``.
        end: value from frame ``after + frames`` on.
        frames: length of the line in environment frames (all environments and ranks together).
        after: where the line begins, in the same frames.
    """

    start: float
    end: float
    frames: int
    after: int = 0

    def __post_init__(self) -> None:
        require_positive(frames=self.frames)
        if self.after < 0:
            raise InputError("after", self.after, "give 0 or more frames")

    def __call__(self, frames: int) -> float:
        """Value after ``frames`` environment frames."""
        progress = min(max((frames - self.after) / self.frames, 0.0), 1.0)
        return self.start + (self.end - self.start) * progress
