import inspect
import queue
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import av.error
import pytest

from beket.kernel.clock import NS_PER_S
from beket.kernel.errors import BeketError, Internal, InvalidArgument, NotFound, ProtocolError, TimedOut
from beket.kernel.ports import Codec
from beket.media.av.encoder import H264Encoder
from beket.media.av.errors import our_error
from beket.media.av.files import read_file_units
from beket.media.av.pictures import decode_key_frame
from beket.media.av.stream import GateStream
from beket.media.av.units import START_CODE, UnitReader, continues_picture, sized_units
from beket.media.fmp4.fragments import init_segment
from beket.media.rtsp.session import make_scratch
from beket.testing.footage import Footage
from beket.testing.process import wait_for

WIDTH, HEIGHT = 90, 62  # rows that FFmpeg pads


def picture(luma: int, blue: int = 128, red: int = 128) -> bytes:
    quarter = WIDTH * HEIGHT // 4
    return bytes([luma]) * (WIDTH * HEIGHT) + bytes([blue]) * quarter + bytes([red]) * quarter


def encoder(gop_frames: int = 5) -> H264Encoder:
    return H264Encoder(WIDTH, HEIGHT, fps=25, bitrate_bps=500_000, gop_frames=gop_frames)


def test_encoder_gives_a_unit_at_once_and_a_key_frame_each_group() -> None:
    camera = encoder()
    units = [camera.encode(picture(i * 10)) for i in range(12)]
    assert all(data for data, _ in units)
    assert [index for index, (_, is_key) in enumerate(units) if is_key] == [0, 5, 10]
    assert (camera.format.width, camera.format.height, len(camera.format.parameter_sets)) == (WIDTH, HEIGHT, 2)


@pytest.mark.parametrize("colour", [(40, 128, 128), (200, 90, 128), (120, 128, 180)])
def test_a_key_frame_decodes_to_the_picture_that_was_encoded(colour: tuple[int, int, int]) -> None:
    camera = encoder()
    data, _ = camera.encode(picture(*colour))
    seen = decode_key_frame(camera.format, data)
    assert (seen.width, seen.height, len(seen.rgb)) == (WIDTH, HEIGHT, WIDTH * HEIGHT * 3)
    luma, blue, red = (part - zero for part, zero in zip(colour, (16, 128, 128), strict=True))
    wanted = (1.164 * luma + 1.596 * red, 1.164 * luma - 0.392 * blue - 0.813 * red, 1.164 * luma + 2.017 * blue)
    assert all(abs(got - want) < 12 for got, want in zip(seen.rgb[:3], wanted, strict=True))
    assert set(seen.rgb[::3]) <= set(range(seen.rgb[0] - 8, seen.rgb[0] + 9))


def test_a_key_frame_is_scaled_to_the_asked_width() -> None:
    camera = encoder()
    data, _ = camera.encode(picture(100))
    small = decode_key_frame(camera.format, data, width=32)
    assert (small.width, small.height, len(small.rgb)) == (32, 22, 32 * 22 * 3)


@pytest.mark.parametrize("data", [b"", b"\0\0\0\1", b"\0\0\0\2\x65\x88", b"\xff" * 50])
def test_a_unit_that_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_key_frame(encoder().format, data)


def test_encoder_refuses_sizes_that_do_not_fit() -> None:
    with pytest.raises(InvalidArgument):
        H264Encoder(91, 62, fps=25, bitrate_bps=500_000, gop_frames=25)
    with pytest.raises(InvalidArgument):
        encoder().encode(picture(1)[:-1])


def test_film_is_read_as_units_that_decode(footage: Footage) -> None:
    units = list(read_file_units(footage.file))
    first = units[0][0]
    assert first.format is not None
    assert (len(units), first.is_key, first.format.width) == (footage.frames, True, footage.width)
    assert all(unit.format is None for unit, _ in units[1:])
    times = [pts_90k for _, pts_90k in units]
    assert times == sorted(times)
    assert len(decode_key_frame(first.format, first.data).rgb) == footage.width * footage.height * 3
    assert init_segment(first.format)


def test_files_that_are_no_films_say_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        list(read_file_units(tmp_path / "none.mp4"))
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a film" * 100)
    with pytest.raises(ProtocolError) as caught:
        list(read_file_units(broken))
    assert "broken.mp4" in caught.value.sentence().uk


def test_zeros_after_nal_units_are_left_behind_whether_start_codes_or_lengths_part_them() -> None:
    nals = (b"\x06\x05\x80", b"\x65\x88\x80\0\0")
    announced = START_CODE + START_CODE.join(encoder().format.parameter_sets)
    after_codes = UnitReader("h264", announced).read(START_CODE + START_CODE.join(nals), timestamp=0, is_key=True)
    data = b"".join(len(nal).to_bytes(4, "big") + nal for nal in (*nals, b"\0\0"))
    assert after_codes is not None
    assert (
        list(sized_units(data, 4))
        == [b"\x06\x05\x80", b"\x65\x88\x80"]
        == list(sized_units(bytes(after_codes.data), 4))
    )
    assert bytes(after_codes.data)[-3:] == b"\x65\x88\x80"


@pytest.mark.parametrize(
    ("codec", "nals", "continues"),
    [
        ("h264", [b"\x65\x88"], False),
        ("h264", [b"\x06\x05\x01", b"\x41\x1a", b"\x41\x9a"], True),
        ("h264", [b"\x06\x05\x01"], False),
        ("h264", [b"\x41"], False),
        ("h265", [b"\x4e\x01\x01", b"\x26\x01\xaf"], False),
        ("h265", [b"\x26\x01\x2f"], True),
    ],
)
def test_what_continues_a_picture_is_told_by_its_first_slice(codec: Codec, nals: list[bytes], continues: bool) -> None:
    assert continues_picture(codec, b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)) == continues


def test_every_error_of_pyav_has_a_meaning_here() -> None:
    kinds = [
        kind for _, kind in inspect.getmembers(av.error, inspect.isclass) if issubclass(kind, av.error.FFmpegError)
    ]
    assert len(kinds) > 40
    meant_as_bugs = {
        "BugError", "MemoryError", "ExperimentalError", "PyAVCallbackError", "LookupError", "BSFNotFoundError",
        "DecoderNotFoundError", "DemuxerNotFoundError", "EncoderNotFoundError", "FilterNotFoundError",
        "MuxerNotFoundError", "OptionNotFoundError", "ProtocolNotFoundError", "FFmpegError",
    }  # fmt: skip
    for kind in kinds:
        ours = our_error(kind(1, "why"), "film")
        assert isinstance(ours, BeketError)
        assert isinstance(ours, Internal) == (kind.__name__ in meant_as_bugs), kind


def test_the_gate_loads_no_numpy_and_the_other_rooms_load_no_av() -> None:
    program = (
        "import sys, beket.media.rtp.depacketizer, beket.media.fmp4.join, beket.media.timing\n"
        "assert 'av' not in sys.modules\n"
        "from beket.media.av.encoder import H264Encoder\n"
        "H264Encoder(64, 48, fps=5, bitrate_bps=90000, gop_frames=5).encode(bytes(64 * 48 * 3 // 2))\n"
        "assert 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


class PacedContainer:
    """What FFmpeg would read from a camera: real packets, each when the test says."""

    def __init__(self) -> None:
        self.streams = SimpleNamespace(
            video=[SimpleNamespace(codec_context=SimpleNamespace(name="h264", extradata=b""))]
        )
        self._camera, self._packets, self._sent = encoder(gop_frames=1000), queue.Queue[Any](), 0

    def send(self, *, is_lost: bool = False) -> None:
        data, is_key = self._camera.encode(picture(self._sent % 200))
        if is_lost:
            return
        units = (*self._camera.format.parameter_sets, *sized_units(data, 4))
        packet = av.Packet(b"".join(START_CODE + unit for unit in units))
        packet.pts, packet.time_base, packet.is_keyframe = self._sent, Fraction(1, 25), is_key
        self._sent += 1
        self._packets.put(packet)

    def demux(self, stream: object) -> Iterator[Any]:
        yield from iter(self._packets.get, None)

    def close(self) -> None: ...


def test_stream_that_begins_in_the_middle_of_a_long_group_of_pictures_is_not_silent() -> None:
    container = PacedContainer()
    stream = GateStream(container, place="10.0.0.5", mono_ns=0)  # type: ignore[arg-type]
    container.send(is_lost=True)  # the key frame came before we did
    for second in range(1, 61):
        received = stream.received_bytes
        container.send()
        wait_for(lambda before=received: stream.received_bytes > before, within_s=60)  # type: ignore[misc]
        assert stream.drain(make_scratch(), mono_ns=second * NS_PER_S) == []
    with pytest.raises(TimedOut) as caught:
        stream.drain(make_scratch(), mono_ns=61 * NS_PER_S)
    assert "I-frame" in caught.value.sentence().uk
    stream.close()
    container.send()  # its thread ends at the next packet
