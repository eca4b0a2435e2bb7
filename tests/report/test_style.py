"""Figures come whole or not at all."""

import pytest
from matplotlib.figure import Figure

from diiqn_lightning.report.style import figure_file


def titled(title):
    figure = Figure()
    figure.subplots().set_title(title)
    return figure


def test_a_figure_that_cannot_be_drawn_leaves_nothing_and_the_one_before_it_stays(tmp_path):
    figure_file(titled("whole"), tmp_path / "curve.svg")
    before = (tmp_path / "curve.svg").read_bytes()
    with pytest.raises(ValueError, match="Expected"):
        figure_file(titled("$\\frac{$"), tmp_path / "curve.svg")
    assert (tmp_path / "curve.svg").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["curve.svg"]
