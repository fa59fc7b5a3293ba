"""Owns the demo's own eyes: it logs in at the centre's pages as a person would, asks what there is and takes a minute.

Plain HTTP to loopback; blocking, for a worker thread. What it sees it saw through the same doors as everybody.
"""

import http.client
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from beket.app.web_people import LoggedIn, ReasonRequest
from beket.kernel import wire
from beket.kernel.clock import utc
from beket.kernel.errors import NotFound, ProtocolError, Unreachable
from beket.kernel.ids import CameraId
from beket.kernel.secrets import Secret
from beket.kernel.text import say
from beket.kernel.units import TICKS_PER_S, ticks_to_ns
from beket.media.av.files import read_file_units
from beket.media.av.pictures import decode_key_frame
from beket.sim.clock_text import read_clock_of_rgb
from collector.alerts_view import AlertBody, AlertsBody
from dashboards.web.session import COOKIE
from vms.messages import Listed

TIMEOUT_S = 20
CLIP_MAX_BYTES = 64 * 1024 * 1024
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Clip:
    """A piece of the archive as the centre gave it out.

    Attributes:
        start_90k: wall time of its first frame, as the archive says.
    """

    camera: CameraId
    start_90k: int
    mp4: bytes


@dataclass(frozen=True, slots=True)
class Proof:
    """What a clip shows when it is played.

    Attributes:
        clock_error_s: the archive's time of the first frame, minus the time that stands in its picture.
    """

    frames: int
    duration_s: float
    clock_error_s: float


class Viewer:
    """A person at the centre's pages."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookie = ""

    def is_open(self) -> bool:
        """Whether the centre answers at all."""
        try:
            self._call("GET", "/metrics")
        except Unreachable:
            return False
        return True

    def log_in(self, login: str, password: Secret, *, reason: str) -> None:
        """Enter, and state why."""
        body = msgspec.json.encode({"login": login, "password": password.reveal()})
        headers, answer = self._call("POST", "/login", body=body, headers=JSON)
        self._cookie = headers.get("set-cookie", "").partition(";")[0].removeprefix(f"{COOKIE}=")
        csrf = {"X-CSRF-Token": wire.decode(answer, LoggedIn).csrf}
        self._call("PUT", "/reason", body=wire.encode(ReasonRequest(reason)), headers={**JSON, **csrf})

    def metrics(self) -> str:
        """The page for Prometheus."""
        return self._call("GET", "/metrics")[1].decode()

    def alerts(self) -> list[AlertBody]:
        """What stands, and what has ended within a day."""
        return list(wire.decode(self._call("GET", "/alerts.json")[1], AlertsBody).alerts)

    def recorded(self, camera: CameraId, *, start_ns: int, end_ns: int) -> list[tuple[int, int]]:
        """Stretches (from, until) in 90 kHz ticks that the centre holds, in order."""
        span = {"start_at": utc(start_ns).isoformat(), "end_at": utc(end_ns).isoformat()}
        _, answer = self._call("GET", f"/cameras/{camera}/recordings?{urllib.parse.urlencode(span)}")
        return [(first, last) for first, last, _, _ in wire.decode(answer, Listed).recorded]

    def clip(self, camera: CameraId, *, start_90k: int, seconds: int) -> Clip:
        """A playable file that begins at the key frame at or before `start_90k`."""
        # Half a tick over, so that the moment does not round down to the frame before.
        at = utc(ticks_to_ns(start_90k) + 1000).isoformat()
        wanted = urllib.parse.urlencode({"at": at, "seconds": seconds})
        headers, mp4 = self._call("GET", f"/cameras/{camera}/minute.mp4?{wanted}")
        return Clip(camera, int(headers["beket-start-90k"]), mp4)

    def _call(
        self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        try:
            sent = {**(headers or {}), "Cookie": f"{COOKIE}={self._cookie}"}
            connection.request(method, path, body=body or None, headers=sent)
            response = connection.getresponse()
            answer = response.read(CLIP_MAX_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(say("Центр не відповідає: {why}.", "The centre is silent: {why}.", why=error)) from error
        finally:
            connection.close()
        if response.status == 404:
            raise NotFound(answer[:300].decode(errors="replace"), subject=path)
        if response.status >= 300:
            raise ProtocolError(f"{response.status} {answer[:300].decode(errors='replace')}", subject=path)
        return {name.lower(): value for name, value in response.getheaders()}, answer


def prove(file: Path, *, start_90k: int) -> Proof:
    """Play a saved clip of a simulated camera and compare the time in its first picture with the archive's.

    Raises:
        ProtocolError: it does not play, or no time can be read in its first picture.
    """
    units = list(read_file_units(file))
    first, first_pts_90k = units[0]
    if first.format is None:
        raise ProtocolError("the clip does not say its format", subject=file.name)
    picture = decode_key_frame(first.format, first.data)
    shown_ms = read_clock_of_rgb(picture.rgb, width=picture.width, height=picture.height)
    if shown_ms is None:
        raise ProtocolError("no time can be read in the picture", subject=file.name)
    archive_ms = ticks_to_ns(start_90k) / 1e6
    return Proof(
        frames=len(units),
        duration_s=(units[-1][1] - first_pts_90k) / TICKS_PER_S,
        clock_error_s=(archive_ms - shown_ms) / 1000,
    )
