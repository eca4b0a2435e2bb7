import os
import subprocess

import pytest

from diiqn_lightning.report.revision import VARIABLE, git_revision


def git(folder, *command):
    named = ["-c", "user.name=Someone", "-c", "user.email=someone@example.org"]
    done = subprocess.run(["git", *named, *command], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def source(tmp_path):
    """A file in a checkout."""
    source = tmp_path / "source.py"
    source.write_text("one = 1\n")
    git(tmp_path, "init")
    git(tmp_path, "add", "source.py")
    git(tmp_path, "commit", "-m", "One")
    return source


def test_the_commit_and_whether_it_was_changed(source):
    commit = git(source.parent, "rev-parse", "--short=12", "HEAD")
    assert git_revision(source) == commit
    source.write_text("one = 2\n")
    assert git_revision(source) == f"{commit}-dirty"


def test_a_package_inside_another_projects_checkout_is_none_of_its(source, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    installed = source.parent / "environment" / "package.py"
    installed.parent.mkdir()
    installed.write_text("two = 2\n")
    assert git_revision(installed) is None
    monkeypatch.setenv(VARIABLE, "abc123")
    assert git_revision(installed) == "abc123"
    assert git_revision(source) != "abc123"


def test_the_index_is_left_alone(source):
    index = source.parent / ".git" / "index"
    before = index.read_bytes()
    os.utime(source, (1e9, 1e9))  # git would note in the index that this changed nothing
    assert "dirty" not in git_revision(source)
    assert index.read_bytes() == before
