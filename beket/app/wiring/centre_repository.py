"""Puts a host's way to the centre's repository together: asks to be let in, keeps what it gets, tells how it stands."""

import asyncio
import functools
import logging
import urllib.parse
from collections.abc import Sequence

from agents.uplink.config import UplinkConfig
from agents.uplink.connection import CentreConnection
from backup.config import BackupConfig
from backup.history import History
from backup.messages import (
    ActReport,
    BackupReport,
    PlanReport,
    ReportAnswer,
    RepositoryAccess,
    RepositoryRequest,
    RepositoryStored,
    RestoreOrder,
    Running,
)
from backup.plans import Plan
from backup.repository.remote import AT_CENTRE, RemotePlace
from backup.restic.commands import Repository
from backup.restic.outcome import OutcomeKind
from backup.sentence import PlanFacts
from beket.app.wiring.agent_side import AgentFiles, Identity, connect
from beket.kernel import wire
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import BeketError, Forbidden, Internal, NoSpace, NotFound, Unauthenticated

log = logging.getLogger(__name__)

ASK_IN_EVERY_S = 15 * 60


def remote_place(files: AgentFiles, identity: Identity) -> RemotePlace:
    """Where this host keeps its way into the centre's repository."""
    centre = urllib.parse.urlsplit(identity.enrolled.centre_url).hostname or ""
    # Under its own name: a machine that joins anew is another host, with another repository and key.
    return RemotePlace(files.data / "repository" / identity.enrolled.agent, centre)


async def repository_of(
    config: BackupConfig, uplink: UplinkConfig, files: AgentFiles, identity: Identity
) -> Repository:
    """The repository of this host; at the first use of the centre's, this asks the centre to be let in.

    Raises:
        NotFound: the centre takes no backups.
        Unreachable, TimedOut, NoSpace, Forbidden: the centre cannot be asked, or refuses.
    """
    if config.repository != AT_CENTRE:
        return Repository(config.repository, config.password_file, host=identity.enrolled.site)
    place = remote_place(files, identity)
    return await asyncio.to_thread(place.repository) or await enter(place, identity, uplink)


async def enter(place: RemotePlace, identity: Identity, uplink: UplinkConfig) -> Repository:
    """Ask the centre to be let in, whether or not this host was before.

    Raises:
        BeketError: as `repository_of`.
    """
    return await asyncio.to_thread(_enter, place, identity, uplink)


def _enter(place: RemotePlace, identity: Identity, uplink: UplinkConfig) -> Repository:
    with connect(identity, uplink) as centre:
        request = RepositoryRequest(needs_key=not place.key.exists())
        answer = centre.post("/agent/v1/repository", wire.encode(request))
    place.save(wire.decode(answer, RepositoryAccess))
    repository = place.repository()
    if repository is None:
        raise Internal("the centre let us in without a key")
    return repository


class WayIn:
    """Asks the centre to be let in anew, when a copy was not.

    The centre may have lost our login or moved its server; or it has a reason, in words that a person should read. Each
    answer ends the login before it and stands in the journal, so it is asked now and then only.
    """

    def __init__(self, place: RemotePlace, identity: Identity, uplink: UplinkConfig, *, clock: Clock) -> None:
        self._enter = functools.partial(enter, place, identity, uplink)
        self._clock = clock
        self._asked_mono_ns: int | None = None
        self._refusal: BeketError | None = None

    async def ask(self) -> BeketError | None:
        """Why the centre lets us in no longer; None when it does, or when nobody knows."""
        mono_ns = self._clock.mono_ns()
        if self._asked_mono_ns is not None and mono_ns - self._asked_mono_ns < ASK_IN_EVERY_S * NS_PER_S:
            return self._refusal
        self._asked_mono_ns = mono_ns
        try:
            await self._enter()
        except (NoSpace, Forbidden, Unauthenticated, NotFound) as error:
            self._refusal = error
        except BeketError as error:
            log.info("the centre cannot be asked to let us in: %s", error.message.en)
            self._refusal = None
        else:
            self._refusal = None
        return self._refusal


async def ask_stored(identity: Identity, uplink: UplinkConfig) -> int | None:
    """Bytes that this host's repository takes at the centre; None when nobody can tell."""
    try:
        return await asyncio.to_thread(_ask_stored, identity, uplink)
    except BeketError:
        return None


def _ask_stored(identity: Identity, uplink: UplinkConfig) -> int:
    with connect(identity, uplink) as centre:
        return wire.decode(centre.post("/agent/v1/repository/stored", b"{}"), RepositoryStored).size_bytes


def tell_centre(
    centre: CentreConnection, history: History, plans: Sequence[PlanReport], *, wall_ns: int
) -> tuple[RestoreOrder, ...]:
    """Tell the centre what it does not know yet; what it wants to be put back. Blocking.

    Raises:
        BeketError: it cannot be told.
    """
    for result in history.untold_put_back():
        centre.post("/agent/v1/backup-restored", wire.encode(result))
        history.put_back_was_told(result.id)
    answer = centre.post("/agent/v1/backups", wire.encode(BackupReport(wall_ns=wall_ns, plans=tuple(plans))))
    try:
        for record in history.untold_acts():
            centre.post("/agent/v1/backup-acts", wire.encode(ActReport(wall_ns=wall_ns, record=record)))
            history.act_was_told(record)
    except BeketError as error:
        # An older centre knows no acts; files are put back all the same.
        log.info("the centre does not take acts of drills: %s", error.message.en)
    return wire.decode(answer, ReportAnswer).orders


def plan_report(plan: Plan, facts: PlanFacts, *, drill_every_days: float, running: Running | None = None) -> PlanReport:
    """What the centre is told of a plan."""
    last, whole, drilled = facts.last, facts.whole, facts.drilled
    is_good = last is not None and last.outcome in (OutcomeKind.OK, OutcomeKind.PARTIAL)
    copied = last if is_good else whole
    return PlanReport(
        id=plan.id,
        name=plan.name,
        every_hours=plan.every_hours,
        copied_ns=copied.began_ns if copied else None,
        whole_ns=whole.began_ns if whole else None,
        proven_ns=facts.proven.ended_ns if facts.proven else None,
        wrong_ns=drilled.ended_ns if drilled and drilled.verdict.value == "wrong" else None,
        outcome=last.outcome.value if last else "",
        reason_uk=last.reason.uk if last else "",
        reason_en=last.reason.en if last else "",
        size_bytes=whole.size_bytes if whole else 0,
        added_bytes=whole.added_bytes if whole else 0,
        drill_every_days=drill_every_days,
        running=running,
    )
