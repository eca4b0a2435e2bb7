import errno
import fcntl
import threading

import pytest

from diiqn_lightning.locks import locked_folder, try_lock


def test_a_file_is_locked_for_one_at_a_time(tmp_path):
    with (tmp_path / "a").open("ab") as mine, (tmp_path / "a").open("ab") as other:
        assert try_lock(mine)
        assert try_lock(other) is False
    with (tmp_path / "a").open("ab") as other:
        assert try_lock(other)


def test_two_in_one_folder_wait_for_each_other(tmp_path):
    order = []
    inside, release = threading.Event(), threading.Event()

    def first():
        with locked_folder(tmp_path):
            inside.set()
            release.wait(10)
            order.append("first")

    def second():
        with locked_folder(tmp_path):
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    threads[1].join(0.3)
    assert order == []  # the second one waits
    release.set()
    for thread in threads:
        thread.join(10)
    assert order == ["first", "second"]


def test_a_file_system_without_locks_is_said_and_not_waited_for(tmp_path, monkeypatch):
    """What ``flock`` answers there; no such file system is at hand."""

    def refuse(*arguments):
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (tmp_path / "a").open("ab") as file, pytest.warns(UserWarning, match="no locks"):
        assert try_lock(file) is None
    with pytest.warns(UserWarning, match="no locks"), locked_folder(tmp_path):
        pass
