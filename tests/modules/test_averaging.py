"""Gradients of several processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.own_processes


@pytest.mark.parametrize("way", ["memory", "sockets"])
def test_gradients_are_averaged_in_each_update_and_parts_that_take_no_part_stay(way, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.modules.averaging_script", tmp_path, way],
        capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for batch in range(2):
        ranks = [json.loads((tmp_path / f"{rank}-{batch}.json").read_text()) for rank in range(2)]
        assert ranks[0] == ranks[1]  # from the start, though each process drew weights of its own
        # Slopes 1 and 2 are 1.5 on average; the first part is in both updates of a batch, the second in one, tenfold.
        assert ranks[0]["moved"] == [pytest.approx([3.0] * 3, abs=1e-5), pytest.approx([15.0] * 4, abs=1e-5)]
