"""What a restic that was killed while it made a repository, or a key, left: cleared where nothing was ever stored."""

from pathlib import Path

import pytest

from backup.repository.leftovers import current_key
from backup.repository.place import clear_unborn, lost_config
from backup.restic.outcome import OutcomeKind


def _half_made(folder: Path) -> Path:
    for name in ("keys", "snapshots", "index", "data/00", "locks"):
        (folder / name).mkdir(parents=True)
    (folder / "keys" / ("a" * 64)).touch()
    return folder / "keys" / ("a" * 64)


def test_key_without_a_config_goes(tmp_path: Path) -> None:
    key = _half_made(tmp_path)
    clear_unborn(tmp_path)
    assert not key.exists()
    clear_unborn(tmp_path / "never")


@pytest.mark.parametrize("what", ["config", "snapshots/ab", "data/00/ab", "index/ab"])
def test_repository_that_ever_held_anything_is_left_as_it_is(tmp_path: Path, what: str) -> None:
    key = _half_made(tmp_path)
    assert lost_config(tmp_path) is None
    (tmp_path / what).touch()
    clear_unborn(tmp_path)
    assert key.exists()
    lost = lost_config(tmp_path)
    assert (lost is None) is (what == "config")
    assert lost is None or lost.kind is OutcomeKind.DAMAGED


@pytest.mark.parametrize(
    ("document", "key"),
    [
        (b'[{"current":false,"id":"aa"},{"current":true,"id":"bb","userName":"root"}]\n', "bb"),
        (b'[{"current":false,"id":"aa"}]', ""),
        (b"[]", ""),
        (b'{"id":"aa"}', ""),
        (b"\xff", ""),
        (b"", ""),
    ],
)
def test_the_key_in_use_is_named_or_nothing_is(document: bytes, key: str) -> None:
    assert current_key(document) == key
