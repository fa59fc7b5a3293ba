"""Owns real RTSP cameras for tests: GStreamer's RTSP server in a process of its own, streaming scenes and films.

The server is one that we did not write, so our client and recorder are proven against somebody else's reading of
RFC 2326. It can freeze (half-open), go away and come back on the same port.
"""

import contextlib
import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from beket.testing.footage import look_at
from beket.testing.process import Program, free_tcp_port, output_of, printed, running
from beket.testing.programs import SYSTEM_PYTHON

PROGRAM = Path(__file__).with_name("gst_rtsp_program.py")


@dataclass(frozen=True, slots=True)
class LiveScene:
    """A moving test picture encoded as it goes.

    Attributes:
        path: as in the URL, `/scene`.
        key_every: frames from one key frame to the next.
        loss: the share of packets that never leave, between 0 and 1.
    """

    path: str = "/scene"
    codec: Literal["h264", "h265", "mjpeg"] = "h264"
    width: int = 640
    height: int = 360
    fps: int = 10
    key_every: int = 10
    bitrate_bps: int = 500_000
    loss: float = 0.0

    def launch(self) -> str:
        """The GStreamer pipeline that makes it."""
        kbps = self.bitrate_bps // 1000
        encoder = {
            "h264": f"x264enc tune=zerolatency speed-preset=ultrafast bitrate={kbps} key-int-max={self.key_every}",
            "h265": f"x265enc tune=zerolatency speed-preset=ultrafast bitrate={kbps} key-int-max={self.key_every}",
            "mjpeg": "jpegenc",
        }[self.codec]
        return (
            "( videotestsrc is-live=true pattern=ball "
            f"! video/x-raw,format=I420,width={self.width},height={self.height},framerate={self.fps}/1 "
            f"! {encoder} ! {self._packets()} )"
        )

    def _packets(self) -> str:
        payloader = _payloader(self.codec)
        if not self.loss:
            return payloader
        # The server streams what comes out of the element of this name.
        return f"{payloader.replace(' name=pay0', '')} ! identity drop-probability={self.loss} name=pay0"


@dataclass(frozen=True, slots=True)
class Film:
    """A film of H.264 or H.265 streamed as it is, over and over for `at_least_s`, never transcoded."""

    path: str
    file: Path
    at_least_s: int = 600

    def launch(self, folder: Path) -> str:
        """The GStreamer pipeline that streams it; `folder` takes the film repeated."""
        facts = look_at(self.file)
        repeats = math.ceil(self.at_least_s * facts.fps / facts.frames)
        long_film = folder / f"{self.file.stem}-{self.at_least_s}.mp4"
        if not long_film.exists():  # several paths may stream one film
            output_of(
                "ffmpeg", "-v", "error", "-stream_loop", str(repeats), "-i", self.file,
                "-map", "0:v:0", "-c", "copy", long_film, within_s=60,
            )  # fmt: skip
        codec: Literal["h264", "h265"] = "h265" if facts.codec == "hevc" else "h264"
        return f'( filesrc location="{long_film}" ! qtdemux ! {codec}parse ! {_payloader(codec)} )'


class GstRtspServer:
    """The server of one test; `url` gives what a client opens."""

    def __init__(self, port: int, spec: dict[str, object], stack: contextlib.ExitStack) -> None:
        self.port = port
        self._spec = spec
        self._stack = stack
        self._program: Program | None = None

    def url(self, path: str) -> str:
        """`rtsp://127.0.0.1:port/path`, without login."""
        return f"rtsp://127.0.0.1:{self.port}{path}"

    def start(self) -> None:
        """Listen, on the same port as before.

        Raises:
            ProgramFailed: the server did not come up; the message holds what it printed.
        """
        argv = [str(SYSTEM_PYTHON), str(PROGRAM), json.dumps(self._spec)]
        self._program = self._stack.enter_context(running(argv, ready=printed("ready")))

    def stop(self) -> None:
        """Go away: connections close and the port refuses."""
        self._running().end()

    def freeze(self) -> None:
        """Hang: connections stay and nothing comes."""
        self._running().freeze()

    def thaw(self) -> None:
        """Go on after `freeze`."""
        self._running().thaw()

    def output(self) -> str:
        """What the server has printed since its last start."""
        return self._running().output()

    def _running(self) -> Program:
        assert self._program is not None, "the server was not started"
        return self._program


@contextlib.contextmanager
def gst_rtsp_server(
    *streams: LiveScene | Film,
    login: tuple[str, str] | None = None,
    auth: Literal["digest", "basic"] = "digest",
    udp_only: bool = False,
) -> Iterator[GstRtspServer]:
    """Stream `streams` from a free port until the block ends; `login` is user and password, asked of everybody.

    A `udp_only` server refuses to interleave (461).
    """
    with tempfile.TemporaryDirectory(prefix="beket-films-") as folder, contextlib.ExitStack() as stack:
        port = free_tcp_port()
        mounts = _mounts(streams, Path(folder))
        spec: dict[str, object] = {
            "port": port, "mounts": mounts, "login": login, "auth": auth, "udp_only": udp_only,
        }  # fmt: skip
        server = GstRtspServer(port, spec, stack)
        server.start()
        yield server


def _mounts(streams: Sequence[LiveScene | Film], folder: Path) -> dict[str, str]:
    return {s.path: s.launch() if isinstance(s, LiveScene) else s.launch(folder) for s in streams}


def _payloader(codec: str) -> str:
    if codec == "mjpeg":
        return "rtpjpegpay name=pay0 pt=26"
    # Parameter sets in-band before every key frame, as cameras do; a shared stream can be joined at any moment.
    return f"rtp{codec}pay name=pay0 pt=96 config-interval=-1"
