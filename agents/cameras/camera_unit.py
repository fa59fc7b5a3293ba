"""Owns one camera: opens its stream, hands what each tick brings to the recorder, knows how it stands.

`run_once` works until the stream ends and raises why; `kernel.supervise` calls it again, also when the very first
connect failed. Lives on the capture loop.
"""

import asyncio

from agents.cameras.recorder import Recorder
from agents.cameras.status import CameraState, CameraStatus
from agents.cameras.stream import Stream, open_stream
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import BeketError, InvalidConfig, NotFound, Unauthenticated, Unreachable
from beket.kernel.inventory import Camera
from beket.kernel.ports import GapReason, LiveTap, SegmentSink
from beket.kernel.secrets import Secret, SecretStore
from beket.kernel.supervise import Backoff
from beket.kernel.text import Text, say
from beket.kernel.units import ns_to_90k
from beket.media.rtp.access_unit import AccessUnit
from beket.media.rtp.rtcp import SenderReport
from beket.media.rtsp.digest import Credentials

# Who is away is called each second however long: a connect costs nothing, and each second missed is one not recorded.
# Who answers, but not as it should, is left in peace longer.
BACKOFF = Backoff(steps_s=(0.5, 1, 1, 2, 5), away_steps_s=(0.5, 0.6))
# Cameras lock a login after some wrong passwords: ask again only with another one, or after this.
REFUSED_PAUSE_S = 600
SECRET_LOOK_S = 1


class CameraUnit:
    """Capture of one camera. `camera` may be replaced by a newer version that has the same stream."""

    def __init__(
        self, camera: Camera, *, sink: SegmentSink, secrets: SecretStore, clock: Clock, tap: LiveTap | None = None
    ) -> None:
        self.camera = camera
        self.recorder = Recorder(camera.id, sink, tap=tap)
        self._secrets = secrets
        self._clock = clock
        self._session: Stream | None = None
        self._over: asyncio.Future[None] | None = None
        self._report: SenderReport | None = None
        self._sink = sink
        self._is_absence_noted = False
        self._error: Text | None = None
        self._reason: GapReason | None = None
        self._frame_ns: int | None = None
        self._frames = self._frames_before = 0  # in all; when this stream began
        self._closed_bytes = 0
        self._closed_late = 0
        self._lost_packets = 0
        self._connects = 0

    async def run_once(self) -> None:
        """Connect and play until something ends it; raises what did. A new password is tried at once."""
        self._frames_before = self._frames
        while True:
            secret: Secret | None = None
            try:
                secret = self._secrets.get(self.camera.secret) if self.camera.secret else None
                await self._play(_credentials(secret))
            except Unauthenticated as error:
                self._note(error)
                if not await self._secret_changes(secret):
                    raise
            except BeketError as error:
                self._note(error)
                raise
            finally:
                self.recorder.end(GapReason.CAMERA)  # after a bug of ours; in all other cases it has ended already

    def has_played(self) -> bool:
        """Whether `run_once` brought a frame, this time or, if it runs no more, the last."""
        return self._frames > self._frames_before

    def drain(self, scratch: bytearray, *, mono_ns: int, wall_ns: int) -> None:
        """Take what came since the last tick; called for each tick."""
        if self._session is None or self._over is None or self._over.done():
            return
        try:
            units = self._session.drain(scratch, mono_ns=mono_ns)
        except BeketError as error:
            self._over.set_exception(error)
            return
        if units:
            self._frames += len(units)
            self._frame_ns = mono_ns
            self._is_absence_noted = False
            self._lost_packets += sum(unit.lost_packets for unit in units)
            self._record(units, mono_ns=mono_ns, wall_ns=wall_ns)
        report = self._session.sender_report
        if report is not None and report is not self._report:
            self._report = report
            self.recorder.observe(report)

    def fail(self, error: BeketError) -> None:
        """End the stream from outside; `run_once` raises `error`."""
        if self._over is not None and not self._over.done():
            self._over.set_exception(error)

    def status(self) -> CameraStatus:
        """How the camera stands now."""
        age_s = None if self._frame_ns is None else (self._clock.mono_ns() - self._frame_ns) / NS_PER_S
        offset_ns = self.recorder.camera_offset_ns
        return CameraStatus(
            camera=self.camera.id,
            site=self.camera.site,
            state=self._state(),
            last_frame_age_s=age_s,
            error=self._error if self.camera.may_record() else _NO_PURPOSE,
            reason=self._reason if self.camera.may_record() else GapReason.NO_PURPOSE,
            stream=self.recorder.stream,
            clock_offset_s=None if offset_ns is None else offset_ns / NS_PER_S,
            frames=self._frames,
            received_bytes=self._closed_bytes + (self._session.received_bytes if self._session else 0),
            lost_packets=self._lost_packets,
            late_packets=self._closed_late + (self._session.late_packets if self._session else 0),
            connects=self._connects,
        )

    def _record(self, units: list[AccessUnit], *, mono_ns: int, wall_ns: int) -> None:
        try:
            for unit in units:
                self.recorder.take(unit, arrival_mono_ns=mono_ns, arrival_wall_ns=wall_ns)
            took = self.recorder.hand_over()
        except BeketError as error:  # of the disk; recording begins anew after a pause
            self.recorder.abandon(mono_ns=mono_ns)
            self._error, self._reason = error.sentence(), GapReason.DISK
            return
        if took or self._reason is not GapReason.DISK:
            self._error = self._reason = None

    async def _play(self, credentials: Credentials | None) -> None:
        self._session = await open_stream(self.camera.url, credentials=credentials, clock=self._clock)
        self._connects += 1
        self._over = asyncio.get_running_loop().create_future()
        self.recorder.begin_stream(clock_rate=self._session.clock_rate)
        try:
            await self._over
        finally:
            self._closed_bytes += self._session.received_bytes
            self._closed_late += self._session.late_packets
            self._session.close()
            self._session = self._over = None

    def _note(self, error: BeketError) -> None:
        self._error = error.sentence()
        self._reason = GapReason.LINK if isinstance(error, Unreachable) else GapReason.CAMERA
        self.recorder.end(self._reason)
        if not self._is_absence_noted:  # once an outage: a camera that is away fails in turns this way and that
            self._is_absence_noted = True
            self.note_absence(self._reason)

    def note_absence(self, reason: GapReason) -> None:
        """Put down that the camera is not recorded from now on."""
        self._sink.note_gap(self.camera.id, reason=reason, start_90k=ns_to_90k(self._clock.wall_ns()))

    async def _secret_changes(self, used: Secret | None) -> bool:
        """Wait until the secret is another one than the camera refused; False when it stayed for the whole pause."""
        for _ in range(round(REFUSED_PAUSE_S / SECRET_LOOK_S)):
            await self._clock.sleep(SECRET_LOOK_S)
            try:
                if self.camera.secret and self._secrets.get(self.camera.secret) != used:
                    return True
            except (NotFound, InvalidConfig):
                continue  # being rewritten right now
        return False

    def _state(self) -> CameraState:
        if not self.camera.may_record():
            return CameraState.NO_PURPOSE
        if self._error is not None:
            return CameraState.FAILED
        return CameraState.RECORDING if self.recorder.is_recording else CameraState.CONNECTING


_NO_PURPOSE = say(
    "Камера не записує: не вказано мету, підставу, строк зберігання чи клас доступу. Заповніть їх у переліку камер.",
    "The camera does not record: purpose, basis, retention or class is missing. Fill them in in the list of cameras.",
)


def _credentials(secret: Secret | None) -> Credentials | None:
    if secret is None:
        return None
    user, _, password = secret.reveal().partition(":")
    return Credentials(user, Secret(password))
