"""Owns how the centre's own work on a repository is spelt: keys, forget, prune, copy, browse; starts nothing.

These are for the centre's disk only. Through an append-only server restic 0.14 hangs at them and 0.18 says that all
went well (backup/design/0056-repository-service.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backup.restic.commands import Command, Operation, Repository, spelt


@dataclass(frozen=True, slots=True)
class Keep:
    """What `forget` leaves: everything within the first span, then one a day, a week, a month within the next ones.

    Spans are restic's words (`14d`, `1y6m`), counted back from the newest snapshot of each host and set of tags, hence
    of each plan: by paths, as restic would, a plan that names other files each day has as many groups as copies.
    """

    within: str
    daily: str
    weekly: str
    monthly: str
    last: int


def add_key(repository: Repository, new_password_file: Path) -> Command:
    """Let another password open the repository too."""
    return spelt(repository, Operation.KEY, "add", "--new-password-file", str(new_password_file))


def remove_key(repository: Repository, key: str) -> Command:
    """Let a password open it no longer; never the one in use."""
    return spelt(repository, Operation.KEY, "remove", key)


def list_keys(repository: Repository) -> Command:
    """Tell which passwords open the repository, and which did just now; takes no lock."""
    return spelt(repository, Operation.KEY, "list", "--no-lock")


def read_lock(repository: Repository, name: str) -> Command:
    """Tell whose a lock is; takes none."""
    return spelt(repository, Operation.CAT, "--no-lock", "lock", name)


def all_snapshots(repository: Repository) -> Command:
    """Tell of every snapshot, whosever."""
    return spelt(repository, Operation.SNAPSHOTS, "--no-lock")


def what_would_be_forgotten(repository: Repository, keep: Keep) -> Command:
    """Tell what the policy would remove; removes nothing."""
    return spelt(
        repository,
        Operation.FORGET,
        "--dry-run",
        "--group-by",
        "host,tags",
        "--keep-within",
        keep.within,
        "--keep-within-daily",
        keep.daily,
        "--keep-within-weekly",
        keep.weekly,
        "--keep-within-monthly",
        keep.monthly,
        "--keep-last",
        str(keep.last),
    )


def forget(repository: Repository, ids: Sequence[str]) -> Command:
    """Forget exactly these snapshots; what only they held goes with the next prune."""
    return spelt(repository, Operation.FORGET, "--", *ids)


def prune(repository: Repository, *, repack_bytes: int) -> Command:
    """Free the space of what nothing refers to; writes at most `repack_bytes` anew before it frees anything."""
    return spelt(repository, Operation.PRUNE, "--max-repack-size", str(repack_bytes))


def init_like(repository: Repository, source: Repository) -> Command:
    """Make a repository into which `source` can be copied without storing anything twice."""
    return spelt(repository, Operation.INIT, "--copy-chunker-params", *_from(source))


def copy(source: Repository, repository: Repository) -> Command:
    """Copy the snapshots that `repository` lacks from `source`."""
    return spelt(repository, Operation.COPY, *_from(source))


def ls(repository: Repository, snapshot: str, folder: str) -> Command:
    """Tell what lies in one folder of a snapshot; takes no lock."""
    return spelt(repository, Operation.LS, "--no-lock", "--", snapshot, folder)


def dump(repository: Repository, snapshot: str, path: str) -> Command:
    """Write one file of a snapshot to standard output, or a folder as a ZIP archive; takes no lock."""
    return spelt(repository, Operation.DUMP, "--no-lock", "--archive", "zip", "--", snapshot, path)


def _from(source: Repository) -> tuple[str, ...]:
    return ("--from-repo", source.location, "--from-password-file", str(source.password_file))
