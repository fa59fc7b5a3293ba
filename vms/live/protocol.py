"""Owns the messages of live pictures as the centre knows them: from and to sites, and to browsers.

Agents have their own copy (agents.uplink.live_messages); both share the golden files
tests/fixtures/wire/<version>/live-*. Bytes from outside raise `ProtocolError` only. Note: vms/design/0008-live.md.
"""

import struct
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from beket.kernel.errors import ProtocolError
from beket.kernel.ids import SLUG_MAX_CHARS
from beket.kernel.ports import GapReason
from beket.kernel.text import Text, say
from beket.kernel.units import KIB
from beket.media.fmp4.reader import INIT_MAX_BYTES, read_format
from beket.media.rtp.access_unit import VideoFormat
from beket.media.rtp.assembly import UNIT_MAX_BYTES
from beket.media.rtp.parameter_sets import codec_string

LIVE_PATH = "/agent/v1/live"
LIVE_VERSION = 1
TEXT_MAX_BYTES = 4 * KIB
# A frame with its boxes; the WebSocket server refuses anything longer before it is gathered.
SITE_MESSAGE_MAX_BYTES = UNIT_MAX_BYTES + 4 * KIB
MOMENT_BYTES = 8
_INIT, _FRAMES = 1, 2
_KEY_FLAG = 1
# version, kind, flags, (unused), camera index, frames dropped before this one, wall time of the frame. The last field
# is the moment that a browser's message begins with, so that such a message is a slice of the site's.
_HEADER = struct.Struct(">BBBxHHQ")

Mode = Literal["wall", "large"]


class LiveWatch(msgspec.Struct, frozen=True, kw_only=True):
    """Centre to agent: exactly these cameras are watched from now on, each with its index in this connection."""

    cameras: dict[str, int]


class LiveAway(msgspec.Struct, frozen=True, kw_only=True):
    """Agent to centre: a watched camera has nothing to show now; a word of `GapReason` says why."""

    camera: Annotated[str, msgspec.Meta(max_length=SLUG_MAX_CHARS)]
    reason: Annotated[str, msgspec.Meta(max_length=SLUG_MAX_CHARS)]


class ChooseMode(msgspec.Struct, frozen=True, kw_only=True):
    """Browser to centre: small pictures in batches, or one large one, frame by frame."""

    mode: Mode


class Start(msgspec.Struct, frozen=True, kw_only=True, tag="start"):
    """Centre to browser: a run begins; its init segment is the next message."""

    mime: str
    width: int
    height: int


class Drop(msgspec.Struct, frozen=True, kw_only=True, tag="drop"):
    """Centre to browser: so many frames were passed over; the next message begins with a key frame."""

    frames: int


class Away(msgspec.Struct, frozen=True, kw_only=True, tag="away"):
    """Centre to browser: no picture now, and why; `Start` follows when it is back."""

    uk: str
    en: str


@dataclass(frozen=True, slots=True)
class Stream:
    """A run's beginning, ready for all watchers."""

    format: VideoFormat
    init: bytes
    start: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames that follow each other, as one message.

    Attributes:
        data: wall time of the first frame, 8 bytes big-endian in 90 kHz, then the fragments.
        is_key: whether the first one is a key frame.
        lost: how many frames are missing before the first one.
    """

    data: bytes
    start_90k: int
    is_key: bool
    frames: int
    lost: int

    @property
    def fragments(self) -> bytes:
        """The fragments alone."""
        return self.data[MOMENT_BYTES:]


def join(batches: list[Batch]) -> Batch:
    """Several in a row as one."""
    first = batches[0]
    if len(batches) == 1:
        return first
    data = b"".join((first.data, *(batch.fragments for batch in batches[1:])))
    return Batch(data, first.start_90k, first.is_key, sum(batch.frames for batch in batches), first.lost)


def read_site_message(message: bytes) -> tuple[int, Stream | Batch]:
    """The index of a camera and what its site sends of it.

    Raises:
        ProtocolError: another version, an unknown kind, too short or too long, or an init segment that is not ours.
    """
    if not _HEADER.size < len(message) <= SITE_MESSAGE_MAX_BYTES:
        raise _not_understood()
    version, kind, flags, camera, lost, start_90k = _HEADER.unpack_from(message)
    if version != LIVE_VERSION or start_90k >> 62:
        raise _not_understood()
    if kind == _FRAMES:
        data = message[_HEADER.size - MOMENT_BYTES :]
        return camera, Batch(data, start_90k, bool(flags & _KEY_FLAG), 1, lost)
    if kind == _INIT and len(message) <= _HEADER.size + INIT_MAX_BYTES:
        return camera, _stream(message[_HEADER.size :])
    raise _not_understood()


def why_away(reason: str) -> Text:
    """The sentence for viewers when a site says that a camera has nothing to show."""
    return _WHY.get(reason, _WHY[GapReason.CAMERA])


SITE_AWAY = say(
    "Немає зв'язку з об'єктом. Картинка з'явиться сама, щойно зв'язок відновиться.",
    "The site cannot be reached. The picture comes back by itself once it can.",
)
_WHY: dict[str, Text] = {
    GapReason.CAMERA: say(
        "Камера зараз не дає картинки. Бекет пробує з'єднатися знову.",
        "The camera gives no picture now. Beket keeps trying.",
    ),
    GapReason.LINK: say(
        "Камера не відповідає: немає живлення або зв'язку з нею. Бекет пробує знову.",
        "The camera does not answer: no power, or no link to it. Beket keeps trying.",
    ),
    GapReason.POWER: say("На об'єкті немає світла.", "The site has no power."),
    GapReason.MAINTENANCE: say("Камеру налаштовують.", "The camera is being set up."),
    GapReason.DISK: say(
        "На об'єкті збій диска; камера продовжить за кілька секунд.",
        "The site's disk failed; the camera goes on in a few seconds.",
    ),
    GapReason.CLOCK: say("Годинник об'єкта щойно переставлено.", "The site's clock was just set."),
    GapReason.RESTART: say("Бекет на об'єкті перезапускається.", "Beket restarts at the site."),
    GapReason.NO_PURPOSE: say(
        "Ця камера вимкнена: для неї не вказано мети чи підстави.",
        "This camera is off: its purpose or basis is not stated.",
    ),
}


def _stream(init: bytes) -> Stream:
    video = read_format(init)
    start = Start(mime=f'video/mp4; codecs="{codec_string(video)}"', width=video.width, height=video.height)
    return Stream(video, init, msgspec.json.encode(start).decode())


def _not_understood() -> ProtocolError:
    return ProtocolError(say("Об'єкт надіслав незрозуміле.", "The site's live message is not understood."))
