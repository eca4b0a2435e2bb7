"""Films of episodes: pictures with borders and captions, one or two side by side, as GIF or MP4."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from diiqn_lightning.envs.pictures import Picture
from diiqn_lightning.errors import InputError, writing
from diiqn_lightning.experts.advice import FOLLOWS, LEAVES, NO_ADVICE
from diiqn_lightning.report.watching import Shot

BORDER, LINE, LEAST_WIDTH = 12, 18, 240
"""Pixels: of a border, of a line of text, and of a picture with its captions."""

WHITE, BLACK, GREY = (255, 255, 255), (0, 0, 0), (102, 102, 102)
BLUE, ORANGE = (0, 114, 178), (213, 94, 0)
SIGNS = {FOLLOWS: "solid border: follows", LEAVES: "striped border: leaves", NO_ADVICE: "dotted border: no advice"}
"""What the borders mean; they differ by their pattern as well as by their colour."""


def check_ending(path: Path) -> None:
    """Refuse a film that cannot be written, before any episode is played.

    Raises:
        InputError: for another ending than ``.gif`` and ``.mp4``, MP4 without its encoder, or a missing folder.
    """
    if path.suffix not in (".gif", ".mp4"):
        raise InputError("--out", str(path), "let the file's name end in .gif or .mp4")
    if path.suffix == ".mp4" and find_spec("imageio_ffmpeg") is None:
        raise InputError(
            "--out", str(path), "choose a .gif, or install MP4's encoder with `pip install diiqn-lightning[video]`"
        )
    if not path.absolute().parent.is_dir():
        raise InputError("--out", str(path), f"make the folder {path.parent} first")


def write_film(path: Path, frames: Iterator[Picture], frames_per_second: int) -> int:
    """Write a film under its name when it is whole; nothing is left of one that fails.

    Args:
        path: ends in ``.gif`` or ``.mp4``; an existing file is replaced.
        frames: pictures of one size, taken one at a time.
        frames_per_second: of the film.

    Returns:
        The number of frames.
    """
    aside = path.with_name(f".{path.stem}.partial{path.suffix}")
    options: dict[str, Any] = {"mode": "I", "duration": 1000 / frames_per_second, "loop": 0}
    if path.suffix == ".mp4":
        options = {"fps": frames_per_second, "macro_block_size": 2, "quality": 8}
    count = 0
    try:
        with writing("--out", path):
            film: Any
            with imageio.get_writer(aside, **options) as film:
                for frame in frames:
                    film.append_data(frame)
                    count += 1
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return count


def side_by_side(titles: Sequence[str], episodes: Sequence[Iterator[Shot]]) -> Iterator[Picture]:
    """The frames of an episode, or of several beside one another: who ends first waits for the others.

    Args:
        titles: one for each.
        episodes: their shots.
    """
    latest: list[Picture] = []
    sizes: list[tuple[int, int]] = []
    for shots in zip_longest(*episodes):
        panels = [
            latest[place] if shot is None else panel(titles[place], shot, *(sizes[place] if sizes else (0, 0)))
            for place, shot in enumerate(shots)
        ]
        if not sizes:  # all panels, and all frames after this one, are as high as the highest
            height = max(len(picture) for picture in panels)
            sizes = [(picture.shape[1], height) for picture in panels]
            panels = [panel(titles[place], shot, *sizes[place]) for place, shot in enumerate(shots)]
        latest = panels
        yield _even(np.concatenate(panels, axis=1))


def panel(title: str, shot: Shot, width: int = 0, height: int = 0) -> Picture:
    """A picture with its border, a title above, and two lines below.

    Args:
        title: who is shown.
        shot: what.
        width, height: least size of it; by default what it needs.
    """
    rows, columns = shot.picture.shape[:2]
    width = max(width, LEAST_WIDTH + 2 * BORDER, columns + 2 * BORDER)
    height = max(height, rows + 2 * BORDER + 3 * LINE)
    canvas = np.full((height, width, 3), 255, np.uint8)
    left = (width - columns) // 2
    frame = border(rows + 2 * BORDER, columns + 2 * BORDER, shot.mark)
    frame[BORDER:-BORDER, BORDER:-BORDER] = shot.picture
    canvas[LINE : LINE + len(frame), left - BORDER : left + columns + BORDER] = frame
    image = Image.fromarray(canvas)
    pen, below = ImageDraw.Draw(image), LINE + len(frame)
    returned = "" if shot.returned is None else f"   return {shot.returned:.4g}"
    mark = f"   {shot.mark}" if shot.mark else ""
    font = ImageFont.load_default(13)
    for y, text in ((1, title), (below, f"step {shot.step}{returned}{mark}"), (below + LINE - 1, shot.note)):
        pen.text((BORDER, y), text, BLACK, font)
    return np.asarray(image)


def border(height: int, width: int, mark: str | None) -> Picture:
    """A filled rectangle whose pattern says what a mark says: solid, striped, dotted; white for none."""
    rows, columns = np.ogrid[:height, :width]
    plain = np.zeros((height, width), bool)
    pattern, colour = {
        FOLLOWS: (~plain, BLUE),
        LEAVES: ((rows + columns) % 16 < 8, ORANGE),
        NO_ADVICE: ((rows % 12 // 4 == 1) & (columns % 12 // 4 == 1), GREY),
    }.get(mark or "", (plain, WHITE))
    return np.where(pattern[..., None], colour, WHITE).astype(np.uint8)


def _even(picture: Picture) -> Picture:
    """A picture with a white row or column more where that makes it even: MP4's encoders ask for it."""
    odd = [(0, size % 2) for size in picture.shape[:2]]
    return np.pad(picture, [*odd, (0, 0)], constant_values=255)
