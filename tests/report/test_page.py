import dataclasses
import re
from xml.etree import ElementTree

import pytest

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.document import Code, Document, Picture, Section, Table, Text
from diiqn_lightning.report.finished_run import FinishedRun
from diiqn_lightning.report.html_page import html_page
from diiqn_lightning.report.markdown_page import markdown_page
from diiqn_lightning.report.page import notes_on
from diiqn_lightning.report.study import Study
from diiqn_lightning.report.write import write_report

FIGURES = ("curves", "intervals", "efficiency", "profiles", "confidence", "inference")


@pytest.fixture(scope="module")
def page(report):
    """The page as a tree: it is well-formed."""
    return ElementTree.fromstring((report / "report.html").read_text())


def test_the_page_needs_nothing_else_and_is_small(report, page):
    text = (report / "report.html").read_text()
    assert len(text) < 5_000_000
    links = [element.get(name) for element in page.iter() for name in ("src", "href") if element.get(name)]
    assert all(link.startswith(("#", "data:")) for link in links)
    assert "url(" not in text
    assert not list(page.iter("script"))


def test_every_picture_says_what_it_shows(page):
    pictures = list(page.iter("img"))
    assert len(pictures) == len(FIGURES)
    assert all(len(picture.get("alt")) > 20 for picture in pictures)


def test_the_contents_lead_to_every_heading(page):
    sections = [section.get("id") for section in page.iter("section")]
    assert [link.get("href") for link in page.iter("a")] == [f"#{anchor}" for anchor in sections]
    assert len(sections) == len(set(sections)) == len(list(page.iter("h2"))) == 9


def test_markdown_has_the_same_sections_and_its_figures_are_there(report, page):
    text = (report / "report.md").read_text()
    assert re.findall("^## (.*)$", text, re.MULTILINE) == [heading.text for heading in page.iter("h2")]
    files = re.findall(r"\((figures/[^)]*)\)", text)
    assert set(files) == {f"figures/{name}.{suffix}" for name in FIGURES for suffix in ("png", "svg")}
    assert all((report / file).stat().st_size > 1000 for file in files)


def test_says_what_was_cut_left_out_and_has_few_seeds(report):
    text = (report / "report.md").read_text()
    assert "breakout: runs have 500,000 to 1,000,000 frames" in text
    assert "one: it is <left> out." in text
    assert "Fewer than 5 seeds" in text
    assert "&lt;left&gt;" in (report / "report.html").read_text()


def test_the_same_runs_give_the_same_page(report, tmp_path):
    runs = [_run("dqn", 3.0, 0), _run("dqn", 5.0, 1), _run("diiqn", 9.0, 0)]
    for name in "ab":
        write_report(runs, [], "dqn", "cmd", tmp_path / name)
    assert (tmp_path / "a" / "report.html").read_bytes() == (tmp_path / "b" / "report.html").read_bytes()


def test_a_refused_report_leaves_nothing_behind(tmp_path):
    runs = [_run("dqn", 3.0, 0), dataclasses.replace(_run("diiqn", 3.0, 0), frames=500, curve=([150, 500], [1.0, 2.0]))]
    with pytest.raises(InputError, match="share no evaluation"):
        write_report(runs, [], "dqn", "cmd", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_report_does_not_go_where_a_run_is(tmp_path):
    (tmp_path / "config.yaml").write_text("a: 1")
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(InputError, match="it holds a run"):
        write_report([_run("dqn", 3.0, 0)], [], "dqn", "cmd", tmp_path)
    assert (tmp_path / "summary.json").read_text() == "{}"


def test_a_single_seed_is_said_in_place_of_an_interval(tmp_path):
    write_report([_run("dqn", 3.0, 0)], [], "dqn", "cmd", tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "3.00 (one seed: no interval)" in text
    assert "Nothing to compare" in text


def test_runs_without_a_baseline_or_a_random_agent_are_told():
    unknown = FinishedRun("diiqn", "maze2d", "", 0, 100, {"eval_return": 1.0}, ([100], [1.0]))
    notes = " ".join(notes_on([unknown, _run("dqn", 1.0, 0, key="aa"), _run("dqn", 1.0, 1, key="bb")], "dqn"))
    assert "maze2d: there is no run of dqn" in notes
    assert "maze2d: a random agent's return is not known" in notes
    assert "dqn [aa] and dqn [bb] have other settings" in notes
    assert notes.endswith("A single seed, and so no interval: all.")
    notes = " ".join(notes_on([unknown, _run("dqn", 1.0, 0), _run("dqn", 1.0, 1)], "dqn"))
    assert notes.endswith(
        "interval: diiqn on maze2d. Fewer than 5 seeds, whose intervals are too narrow: dqn on breakout."
    )


def test_the_page_has_the_runs_commands_revisions_and_versions(tmp_path):
    made = {
        "command": "python -m diiqn_lightning fit --config x",
        "git_revision": "abc123",
        "versions": {"torch": "9.9"},
    }
    write_report([dataclasses.replace(_run("dqn", 3.0, 0), **made)], [], "dqn", "report runs", tmp_path)
    for name in ("report.html", "report.md"):
        text = (tmp_path / name).read_text()
        assert all(told in text for told in (made["command"], "abc123", "torch 9.9", "report runs", "Python 3."))


def test_versions_that_nobody_wrote_down_are_said_not_to_be_known(tmp_path):
    write_report([_run("dqn", 3.0, 0)], [], "dqn", "cmd", tmp_path)
    assert "made with: not known" in (tmp_path / "report.md").read_text()


def test_what_looks_like_markup_is_shown_as_it_is(tmp_path):
    (tmp_path / "p.svg").write_text("<svg/>")
    blocks = [Text("`a<b`"), Code("x & y"), Table("c", ("a",), [["<i>|"]]), Picture("p", 'a "b"', "c", tmp_path)]
    document = Document("T & <U>", [Section("A (b)", blocks)])
    tree = ElementTree.fromstring(html_page(document))
    assert tree.find(".//code").text == "a<b"
    assert tree.find(".//td").text == "<i>|"
    assert tree.find(".//img").get("alt") == 'a "b"'
    assert "| <i>\\| |" in markdown_page(document)


def _run(algorithm, value, seed, key=""):
    numbers = {"eval_return": value, "random_return": 0.5}
    return FinishedRun(algorithm, "breakout", "", seed, 200, numbers, ([100, 200], [1.0, value]), key)


def test_environments_of_different_length_are_said_to_be_mixed():
    here, there = _run("dqn", 3.0, 0), dataclasses.replace(_run("dqn", 3.0, 0), environment="maze2d", frames=1000)
    (note,) = [note for note in notes_on([here, there], "dqn") if "different length" in note]
    assert "breakout 200, maze2d 1,000 frames" in note
    assert not [note for note in notes_on([here], "dqn") if "different length" in note]


def test_claims_that_no_run_touches_are_one_sentence(tmp_path):
    runs = [_run("dqn", 3.0, seed) for seed in range(3)] + [_run("t1", 4.5, seed) for seed in range(3)]
    study = Study("How many?", "Enough.", {"t1": "diiqn"})
    write_report(runs, [], "dqn", "cmd", tmp_path, study)
    page = (tmp_path / "report.md").read_text()
    assert "How many?\n\nThe claim: Enough.\n" in page
    (row,) = [line for line in page.splitlines() if line.startswith("| DIIQN earns 24 % to 130 %")]
    assert "| breakout | t1 | 50.0 [" in row
    assert row.endswith("| reproduced |")
    assert "HA-DIIQN learns up to 64 % faster than DQN (maze2d)" in page.partition("Not measured by these runs: ")[2]
    assert "| HA-DIIQN" not in page
