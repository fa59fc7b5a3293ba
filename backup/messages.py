"""Owns what agents and the centre say of backups; golden files in tests/fixtures/wire/<version>/.

Moments are by the agent's clock, which may be wrong: each report carries that clock's present, and the centre counts
back from its own.
"""

import msgspec

from backup.acts.record import Record

REPORT_MAX_BYTES = 256 * 1024
PLANS_MAX = 200
WORDS_MAX_CHARS = 1000
PIECES_MAX = 200


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A copy that is being made: how far it is, as two measures (`backup.progress`).

    Attributes:
        read_ratio: 0-1 of what is to be read at the host.
        stored_bytes: what this run has brought into the repository; None when nobody can tell.
        stored_ratio: 0-1 of what is to be stored; None when that is not known beforehand.
    """

    began_ns: int
    read_ratio: float = 0.0
    stored_bytes: int | None = None
    stored_ratio: float | None = None


class PlanReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a plan stands, as its host knows it.

    Attributes:
        copied_ns: when the newest copy of any worth was begun; None without one.
        whole_ns: the same of the newest copy that left nothing out.
        proven_ns: when a restore was last proven.
        wrong_ns: when a drill last found a wrong file; None when the newest drill did not.
        outcome: of the last run; "" before the first.
        size_bytes: how much the last whole copy holds; `added_bytes` what was new in it.
        drill_every_days: how often its restore is to be proven.
        running: the copy that is being made right now; None when none is.
    """

    id: str
    name: str
    every_hours: float
    copied_ns: int | None = None
    whole_ns: int | None = None
    proven_ns: int | None = None
    wrong_ns: int | None = None
    outcome: str = ""
    reason_uk: str = ""
    reason_en: str = ""
    size_bytes: int = 0
    added_bytes: int = 0
    drill_every_days: float = 30
    running: Running | None = None


class BackupReport(msgspec.Struct, frozen=True, kw_only=True):
    """Agent to centre, every few minutes: all its plans; one that is not named is a plan no longer.

    Attributes:
        repository: where the copies go, for people; never with a login in it.
    """

    wall_ns: int
    plans: tuple[PlanReport, ...] = ()
    repository: str = ""


class RestoreOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Centre to agent: put this back from a copy, as a person asked. The agent decides whether it may.

    Attributes:
        path: absolute, as in the snapshot.
        replace: take the place of what is there now, which is kept beside; else come beside it.
        size_bytes: how much room it wants; 0 when that is not known.
    """

    id: str
    snapshot: str
    path: str
    replace: bool = False
    size_bytes: int = 0


class ReportAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Centre to agent, the answer to a report: what there is to do. An order comes until its result was told."""

    orders: tuple[RestoreOrder, ...] = ()


class RestoreResult(msgspec.Struct, frozen=True, kw_only=True):
    """Agent to centre: what came of an order. `outcome` as of a run; `placed` where the thing is now, "" nowhere."""

    id: str
    outcome: str
    reason_uk: str = ""
    reason_en: str = ""
    placed: str = ""


class ActReport(msgspec.Struct, frozen=True, kw_only=True):
    """Agent to centre: a drill that was made, once."""

    wall_ns: int
    record: Record


class RepositoryRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Agent to centre: let me into my repository. With `needs_key` also a new key that opens it."""

    needs_key: bool = True


class RepositoryAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Centre to agent: how to get in. The credential before it is worth nothing from now on.

    Attributes:
        port: of the repository server, at the address under which the agent knows the centre.
        path: of the repository there.
        certificate: PEM of what the server shows.
        key: password of the repository; "" when none was asked for.
    """

    host: str
    port: int
    path: str
    login: str
    password: str
    certificate: str
    key: str = ""

    def __repr__(self) -> str:
        return f"RepositoryAccess(host={self.host!r}, port={self.port!r})"


class RepositoryStored(msgspec.Struct, frozen=True, kw_only=True):
    """Centre to agent: how much its repository takes now."""

    size_bytes: int
