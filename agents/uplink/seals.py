"""Owns bringing the site's seals to the centre: each line as it was signed, each camera's in order. Blocking.

A seal is a few kilobytes an hour, so it goes within the budget but waits for no video. What the centre refuses is tried
again later, and only that camera's seals wait for it. Note: vms/design/0025-signed-chain.md "Over the wire".
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from agents.uplink.budget import Budget
from agents.uplink.bulk import Centre
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import BeketError, Forbidden, InvalidArgument, NotFound, ProtocolError
from beket.kernel.ids import CameraId

log = logging.getLogger(__name__)

SEALS_PATH = "/agent/v1/seals"
SEALS_PER_ROUND = 64
REFUSED_PAUSE_S = 300


class TravellingSeal(Protocol):
    """A seal that has to travel."""

    @property
    def camera(self) -> CameraId:
        """Whose recordings it is over."""

    @property
    def number(self) -> int:
        """1, 2, 3 … within its camera."""


S = TypeVar("S", bound=TravellingSeal)


class SealBacklog(Protocol[S]):
    """What has still to travel."""

    def unsent_seals(self, limit: int) -> Sequence[S]:
        """Seals that the centre does not have, each camera's by their numbers."""

    def read_seal(self, seal: S) -> bytes:
        """The signed line.

        Raises:
            NotFound: it is gone.
            BeketError: the disk does not give it.
        """

    def forget_seal(self, seal: S) -> None:
        """The centre has it."""


class SealCourier(Generic[S]):
    """Empties the backlog of seals into the centre."""

    def __init__(
        self,
        backlog: SealBacklog[S],
        centre: Centre,
        *,
        budget: Budget,
        clock: Clock,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._backlog = backlog
        self._centre = centre
        self._budget = budget
        self._clock = clock
        self._wait = wait
        # Cameras whose next seal was refused, and until when (monotonic) nothing of them is sent.
        self._refused: dict[CameraId, int] = {}

    def run_once(self) -> int:
        """Send what waits; how many seals the centre has taken.

        Raises:
            BeketError: the centre or the line failed; what was sent stays sent.
        """
        now_ns = self._clock.mono_ns()
        self._refused = {camera: until_ns for camera, until_ns in self._refused.items() if until_ns > now_ns}
        sent = 0
        for seal in self._backlog.unsent_seals(SEALS_PER_ROUND):
            if seal.camera not in self._refused:
                sent += self._send(seal)
        return sent

    def _send(self, seal: S) -> bool:
        path = f"{SEALS_PATH}/{seal.camera}"
        try:
            line = self._backlog.read_seal(seal)
        except NotFound:
            log.warning("seal %d of %s is gone from the ledger; the centre will miss it", seal.number, seal.camera)
            self._backlog.forget_seal(seal)
            return False
        except BeketError as error:
            self._put_off(seal, error)
            return False
        self._wait(self._budget.spend(len(line)))
        try:
            headers = {"Content-Type": "application/json"}
            self._centre.request("POST", path, headers=headers, body=line).raise_for_status(path)
        except (Forbidden, InvalidArgument, NotFound, ProtocolError) as error:
            self._put_off(seal, error)
            return False
        self._backlog.forget_seal(seal)
        return True

    def _put_off(self, seal: S, error: BeketError) -> None:
        log.warning("seal %d of %s waits: %s", seal.number, seal.camera, error.sentence().en)
        self._refused[seal.camera] = self._clock.mono_ns() + REFUSED_PAUSE_S * NS_PER_S
