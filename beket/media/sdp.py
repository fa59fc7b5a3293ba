"""Owns session descriptions (SDP, RFC 8866) as far as cameras use them: which video, how coded, where controlled.

Sans-I/O and bounded. Also writes the description that our own server gives. Audio and metadata are listed, never
chosen: sound is not recorded (law).
"""

import base64
import binascii
import re
from dataclasses import dataclass, field

from beket.kernel.errors import ProtocolError
from beket.kernel.ports import Codec
from beket.kernel.text import say
from beket.kernel.units import TICKS_PER_S

SDP_MAX_BYTES = 64 * 1024
LINES_MAX = 1000
MEDIA_MAX = 32
PARAMETER_SETS_MAX = 16

_CODECS: dict[str, Codec] = {"H264": "h264", "H265": "h265", "HEVC": "h265"}
_RTPMAP = re.compile(r"(\d{1,3})\s+([A-Za-z0-9_.+-]{1,40})/(\d{1,9})")
_SCHEME = re.compile(r"rtsps?://", re.IGNORECASE)
_HOST = re.compile(r"rtsps?://[^/?]*", re.IGNORECASE)


class UnspokenStream(ProtocolError):
    """The camera has video, but of a codec, in an order or over a transport that ours does not speak; FFmpeg may."""


@dataclass(slots=True)
class Media:
    """One `m=` section.

    Attributes:
        kind: "video", "audio", "application" …
        encoding: name from rtpmap as sent ("H264", "JPEG"), "" when the section has none.
        codec: None when it is not one that we record.
        parameter_sets: SPS, PPS (and VPS in front for H.265), without start codes; empty when the camera sends them
            only inside the stream.
        control: as written, "" when absent.
        is_reordered: NAL units travel in another order than they are decoded in, and carry numbers that say which:
            H.264 interleaved (RFC 6184 §5.4), H.265 with decoding order numbers (RFC 7798 §4.4).
    """

    kind: str
    payload_type: int
    encoding: str = ""
    clock_rate: int = TICKS_PER_S
    parameter_sets: tuple[bytes, ...] = ()
    control: str = ""
    is_reordered: bool = False

    @property
    def codec(self) -> Codec | None:
        """The codec by our name, or None."""
        return _CODECS.get(self.encoding.upper()) if self.kind == "video" else None


@dataclass(slots=True)
class Description:
    """A whole session; `control` is the session's own, "" when absent."""

    control: str = ""
    media: list[Media] = field(default_factory=list)


def parse(data: bytes) -> Description:
    """Read a description; lines that are not understood are passed over, as cameras write many.

    Raises:
        ProtocolError: too long, no SDP at all, or a control that no request can name.
    """
    if len(data) > SDP_MAX_BYTES:
        raise _no_sdp("it is too long")
    lines = data.decode("utf-8", "replace").split("\n", LINES_MAX)
    description = Description()
    current: Media | None = None
    understood = False
    for raw in lines[:LINES_MAX]:
        line = raw.strip("\r\0 \t")
        understood = understood or line.startswith(("v=", "m="))
        if line.startswith("m="):
            current = _parse_media(line[2:])
            if len(description.media) >= MEDIA_MAX:
                raise _no_sdp("it lists too many streams")
            description.media.append(current)
        elif line.startswith("a="):
            name, _, value = line[2:].partition(":")
            if name == "control" and current is None:
                description.control = _control(value)
            elif current is not None:
                _apply_attribute(current, name, value.strip())
    if not understood:
        raise _no_sdp("no v= and no m= line")
    return description


def choose_video(description: Description) -> Media:
    """The stream to record: the first H.264 or H.265 one.

    Raises:
        UnspokenStream: the video is of another codec, or reordered; the sentence says it.
        ProtocolError: there is no video; the sentence names what the camera does send.
    """
    for media in description.media:
        if media.codec and not media.is_reordered:
            return media
    if any(media.codec for media in description.media):
        raise UnspokenStream(
            say(
                "Камера надсилає кадри перемішаними (interleaved).",
                "The camera sends its pictures in another order than they are shown in (interleaved).",
            ),
            hint=say(
                "У налаштуваннях RTP камери виберіть «packetization mode 1» або вимкніть чергування.",
                "In the camera's RTP settings choose packetization mode 1, or turn interleaving off.",
            ),
        )
    offered = ", ".join(m.encoding or m.kind for m in description.media[:4]) or "—"
    kind = UnspokenStream if any(media.kind == "video" for media in description.media) else ProtocolError
    raise kind(
        say(
            "Камера не дає відео H.264 чи H.265, лише: {offered}.",
            "The camera offers no H.264 or H.265 video, only: {offered}.",
            offered=offered,
        ),
        hint=say(
            "У налаштуваннях відео камери виберіть H.264.",
            "In the camera's video settings choose H.264.",
        ),
    )


def resolve_control(control: str, *, reference: str) -> str:
    """The URL to name in SETUP or PLAY.

    `reference` is Content-Base, else Content-Location, else the request's URL (RFC 2326 C.1.1). Cameras mean plain
    appending, not RFC 3986: `rtsp://c/live?ch=1` with `trackID=0` is `rtsp://c/live?ch=1/trackID=0` (Dahua, and what
    ffmpeg and live555 send), whether or not the reference ends in a slash.

    Example:
        >>> resolve_control("trackID=1", reference="rtsp://c/Streaming/Channels/101")
        'rtsp://c/Streaming/Channels/101/trackID=1'
        >>> resolve_control("*", reference="rtsp://c/1/")
        'rtsp://c/1/'
    """
    if control in ("", "*"):
        return reference
    if _SCHEME.match(control):
        return control
    return f"{reference.rstrip('/')}/{control.lstrip('/')}"


def reference_url(request_url: str, *, content_base: str, content_location: str) -> str:
    """Where relative control URLs start; a base that is no RTSP URL itself is taken from the request's host."""
    for stated in (content_base.strip(), content_location.strip()):
        if _SCHEME.match(stated):
            return stated
        if stated.startswith("/") and (host := _HOST.match(request_url)):
            return f"{host[0]}{stated}"
    return request_url


def compose(codec: Codec, parameter_sets: tuple[bytes, ...], *, payload_type: int, title: str = "Beket") -> bytes:
    """The description of one live video stream, with its parameter sets, as our server gives it."""
    sets = [base64.b64encode(unit).decode() for unit in parameter_sets]
    if codec == "h264":
        sps = next((unit for unit in parameter_sets if unit[:1] and unit[0] & 0x1F == 7), b"")
        profile = f"profile-level-id={sps[1:4].hex()};" if len(sps) >= 4 else ""
        formats = f"packetization-mode=1;{profile}sprop-parameter-sets={','.join(sets)}"
    else:
        by_type: dict[int, list[str]] = {}
        for unit, text in zip(parameter_sets, sets, strict=True):
            by_type.setdefault(unit[0] >> 1 & 0x3F, []).append(text)
        formats = ";".join(
            f"sprop-{name}={','.join(by_type[kind])}"
            for kind, name in ((32, "vps"), (33, "sps"), (34, "pps"))
            if kind in by_type
        )
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        f"s={title}",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=range:npt=now-",
        "a=control:*",
        f"m=video 0 RTP/AVP {payload_type}",
        f"a=rtpmap:{payload_type} {codec.upper()}/{TICKS_PER_S}",
        f"a=fmtp:{payload_type} {formats}",
        "a=control:trackID=0",
        "",
    ]
    return "\r\n".join(lines).encode()


def _parse_media(value: str) -> Media:
    words = value.split()
    payload_type = int(words[3]) if len(words) > 3 and words[3].isascii() and words[3].isdigit() else -1
    kind = words[0].lower()[:20] if words else ""
    media = Media(kind, payload_type if 0 <= payload_type < 128 else -1)
    if media.payload_type == 26:  # the only static video payload that cameras still use, RFC 3551 §6
        media.encoding = "JPEG"
    return media


def _apply_attribute(media: Media, name: str, value: str) -> None:
    if name == "control":
        media.control = _control(value)
    elif name == "rtpmap":
        match = _RTPMAP.match(value)
        if match and int(match[1]) == media.payload_type:
            media.encoding = match[2]
            media.clock_rate = int(match[3]) or TICKS_PER_S
    elif name == "fmtp":
        payload_type, _, formats = value.partition(" ")
        if payload_type == str(media.payload_type):
            fields = _parse_formats(formats)
            media.parameter_sets = _parse_parameter_sets(fields)
            media.is_reordered = fields.get("packetization-mode") == "2" or any(
                _is_above_zero(fields.get(name, "")) for name in ("sprop-max-don-diff", "sprop-depack-buf-nalus")
            )


def _control(value: str) -> str:
    if "\r" in value or "\0" in value:
        raise _no_sdp("a line break or a NUL inside a control")
    return value.strip()


def _parse_formats(formats: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for part in formats.split(";")[:64]:
        name, _, value = part.strip().partition("=")
        fields[name.strip().lower()] = value.strip()
    return fields


def _is_above_zero(text: str) -> bool:
    return text.isascii() and text.isdigit() and text.strip("0") != ""


def _parse_parameter_sets(fields: dict[str, str]) -> tuple[bytes, ...]:
    found: list[bytes] = []
    for name in ("sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps"):
        for text in fields.get(name, "").split(","):
            unit = _decode_base64(text.strip())
            if unit and len(found) < PARAMETER_SETS_MAX:
                found.append(unit)
    return tuple(found)


def _decode_base64(text: str) -> bytes:
    # Some cameras leave the padding out, some put a start code in front.
    try:
        unit = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return unit.removeprefix(b"\0\0\0\1")


def _no_sdp(why: str) -> ProtocolError:
    return ProtocolError(
        say(
            "Камера описала свій потік незрозуміло: {why}.",
            "The camera's description of its stream is not understood: {why}.",
            why=why,
        )
    )
