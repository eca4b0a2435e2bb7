"""The page in a real browser; skipped where there is none."""

import shutil
import subprocess

import pytest

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)

pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"no browser here: none of {', '.join(BROWSERS)} is installed")


def visit(page, tmp_path):
    """Open a page; gives what its console said, and the pixels of the screenshot."""
    import matplotlib.image

    picture = tmp_path / "page.png"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--hide-scrollbars"]
    place = [f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={picture}", "--window-size=1200,6000"]
    done = subprocess.run(
        [BROWSER, *options, *place, page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return console, matplotlib.image.imread(picture)


def test_the_page_is_drawn_without_complaint(report, tmp_path):
    console, picture = visit(report / "report.html", tmp_path)
    assert console == []
    blue = (abs(picture[..., :3] - [0, 0x72 / 255, 0xB2 / 255]) < 0.02).all(axis=-1)
    rows = blue.any(axis=1).nonzero()[0]
    assert blue.sum() > 2000  # the curves' blue: the inline pictures are drawn
    assert rows[-1] - rows[0] > 1500  # in more than one of them


def test_a_faulty_page_would_be_noticed(tmp_path):
    (tmp_path / "page.html").write_text("<!DOCTYPE html><html><body><script>undefined.x</script></body></html>")
    console, _ = visit(tmp_path / "page.html", tmp_path)
    assert any("Uncaught TypeError" in line for line in console)
