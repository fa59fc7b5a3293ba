"""Owns when locks that dead processes left are looked for: after a copy that came through where one before had not.

A copy itself works beside such locks, so nothing else would ever take them away from a repository in which nobody
prunes; whoever then runs a bare `restic check` is told that it is locked. restic judges which are stale (`unlock`).
"""

from pathlib import Path

from backup.restic.commands import Repository

NAME_CHARS = 64


def may_lie(repository: Repository, *, after_trouble: bool) -> bool:
    """Whether locks of dead processes may be there: seen in a folder, supposed behind a line. Blocking.

    `after_trouble`: the run before the one that came through did not, or there was none.
    """
    if repository.is_remote:
        return after_trouble
    try:
        # One that was cut off while it was made has a longer name; restic does not look at it.
        return any(len(lock.name) == NAME_CHARS for lock in (Path(repository.location) / "locks").iterdir())
    except OSError:
        return False
