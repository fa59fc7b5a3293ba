"""Owns what is to be saved and when it is due; pure, but for a look at the paths before a run.

Due-ness is the age of the last good copy, not an hour on a clock: a machine that was without power at night makes its
copy when it is back. Failures are retried with growing waits. Note: backup/design/0009-restic-wrapper.md.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from backup.restic.outcome import OutcomeKind
from backup.sources.hooks import Hook
from backup.sources.postgres import PostgresDump
from beket.kernel.clock import NS_PER_S
from beket.kernel.ids import SiteId, check_slug
from beket.kernel.text import Text, plain, say

HOUR_S = 3600
PLAN_TAG = "plan:"
RETRY_STEPS_S = (5 * 60, 15 * 60, HOUR_S)


# Of some paths, the files to copy now, and those (or folders) that should be but cannot.
Choose = Callable[[Sequence[Path]], tuple[Sequence[Path], Sequence[Path]]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is backed up, from where and how often.

    Attributes:
        name: as people say it: «Документи бухгалтерії».
        paths: absolute.
        excludes: restic's patterns.
        every_hours: a copy younger than this is fresh.
        databases: SQLite files under the paths are copied whole first, and those copies are saved.
        dumps: databases of PostgreSQL that are dumped first.
        before, after: programs that are run around a copy; what is after runs whatever came of it.
        vss: copy from a shadow of the volume, so that open files are whole; Windows only.
        choose: asked before each run which files under the paths to copy, and which it cannot; None for all.
        canary: the file that is put among the paths for drills; None for none.
    """

    id: str
    name: str
    site: SiteId
    paths: tuple[Path, ...]
    excludes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    every_hours: float = 24
    databases: bool = False
    canary: Path | None = None
    dumps: tuple[PostgresDump, ...] = ()
    before: tuple[Hook, ...] = ()
    after: tuple[Hook, ...] = ()
    vss: bool = False
    choose: Choose | None = None

    def __post_init__(self) -> None:
        check_slug(self.id, place="plan")

    @property
    def tag(self) -> str:
        """What marks this plan's snapshots in the repository."""
        return f"{PLAN_TAG}{self.id}"


@dataclass(frozen=True, slots=True)
class PathTrouble:
    """Why a path cannot be saved."""

    path: Path
    sentence: Text


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered of a plan between runs, wall clock.

    Attributes:
        copied_ns: when its newest good copy was begun; None before the first.
        tried_ns: when its last attempt ended; None before the first.
        failures: attempts in a row that gave no good copy.
        last: outcome of the last attempt.
    """

    copied_ns: int | None = None
    tried_ns: int | None = None
    failures: int = 0
    last: OutcomeKind | None = None


def preflight(paths: Sequence[Path]) -> list[PathTrouble]:
    """What will not be saved, before restic tells; one sentence a path. Blocking."""
    return [trouble for path in paths if (trouble := _look(path))]


def due_at_ns(plan: Plan, standing: Standing) -> int:
    """When the plan wants its next run; 0 means that it never had one."""
    due_ns = 0 if standing.copied_ns is None else standing.copied_ns + round(plan.every_hours * HOUR_S * NS_PER_S)
    if standing.failures and standing.tried_ns is not None:
        step_s = RETRY_STEPS_S[min(standing.failures, len(RETRY_STEPS_S)) - 1]
        return max(due_ns, standing.tried_ns + step_s * NS_PER_S)
    return due_ns


def is_due(plan: Plan, standing: Standing, *, wall_ns: int) -> bool:
    """Whether to run now. A copy from the future (the clock was wrong, then or now) proves nothing: run."""
    newest_ns = max(standing.copied_ns or 0, standing.tried_ns or 0)
    return newest_ns > wall_ns or due_at_ns(plan, standing) <= wall_ns


def _look(path: Path) -> PathTrouble | None:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return PathTrouble(
            path,
            say(
                "{path}: цього немає. Перевірте, чи під'єднано диск і чи правильний план.",
                "{path}: this is not there. Check that its disk is connected and the plan is right.",
                path=path,
            ),
        )
    except OSError as error:
        return PathTrouble(path, _unreadable(path, plain(error.strerror or "?")))
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        return PathTrouble(path, _unreadable(path, say("немає права читати", "permission denied")))
    return None


def _unreadable(path: Path, why: Text) -> Text:
    return say(
        "{path}: не читається ({why}). Дайте агентові право читати це.",
        "{path}: cannot be read ({why}). Let the agent read it.",
        path=path,
        why=why,
    )
