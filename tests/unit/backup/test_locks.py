"""When locks of dead processes are looked for: seen in a folder, supposed behind a line after trouble."""

from pathlib import Path

from backup.locks import may_lie
from backup.restic.commands import Repository


def test_folder_shows_its_locks_and_a_half_made_one_is_none(tmp_path: Path) -> None:
    here = Repository(str(tmp_path), tmp_path / "key", host="council")
    assert not may_lie(here, after_trouble=True)  # it has no such folder
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / ("a" * 64 + "-tmp-1")).touch()
    assert not may_lie(here, after_trouble=True)
    (tmp_path / "locks" / ("a" * 64)).touch()
    assert may_lie(here, after_trouble=False)


def test_behind_a_line_nobody_sees_them_so_they_are_supposed_after_trouble_alone(tmp_path: Path) -> None:
    there = Repository("rest:http://127.0.0.1:1/", tmp_path / "key", host="council")
    assert may_lie(there, after_trouble=True)
    assert not may_lie(there, after_trouble=False)
