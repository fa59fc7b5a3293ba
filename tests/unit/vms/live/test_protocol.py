import struct
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel import wire
from beket.kernel.errors import ProtocolError
from beket.kernel.ports import GapReason
from beket.testing.fragments import made_up_stream
from vms.live.protocol import Batch, LiveAway, LiveWatch, Stream, join, read_site_message, why_away

GOLDEN = Path(__file__).parents[3] / "fixtures" / "wire" / "1"
HEADER = struct.Struct(">BBBxHHQ")


def test_the_centre_reads_what_sites_of_release_1_send() -> None:
    away = wire.decode((GOLDEN / "live-away.json").read_bytes(), LiveAway)
    assert (away.camera, away.reason) == ("gate", "link")
    camera, frames = read_site_message(bytes.fromhex((GOLDEN / "live-frames.hex").read_text().strip()))
    moment = 160_000_000_000_000
    data = moment.to_bytes(8, "big") + b"fragment"
    assert (camera, frames) == (1, Batch(data, moment, is_key=True, frames=1, lost=3))


def test_the_centre_tells_sites_of_release_1_what_they_read() -> None:
    watch = LiveWatch(cameras={"gate": 0, "yard": 1})
    assert wire.encode(watch) == (GOLDEN / "live-watch.json").read_bytes().strip()


def test_init_segment_becomes_what_a_browser_is_told() -> None:
    made_up = made_up_stream()
    camera, stream = read_site_message(HEADER.pack(1, 1, 0, 4, 0, 0) + made_up.init)
    assert camera == 4
    assert isinstance(stream, Stream)
    assert stream.init == made_up.init
    assert msgspec.json.decode(stream.start) == {
        "type": "start", "mime": 'video/mp4; codecs="avc1.42c00b"', "width": made_up.width, "height": made_up.height,
    }  # fmt: skip


@pytest.mark.parametrize(
    "message",
    [
        b"",
        HEADER.pack(1, 2, 0, 0, 0, 0),
        HEADER.pack(2, 2, 0, 0, 0, 0) + b"x",
        HEADER.pack(1, 3, 0, 0, 0, 0) + b"x",
        HEADER.pack(1, 2, 0, 0, 0, 1 << 62) + b"x",
        HEADER.pack(1, 1, 0, 0, 0, 0) + b"not an init segment",
        HEADER.pack(1, 1, 0, 0, 0, 0) + bytes(70_000),
    ],
)
def test_anything_else_is_a_protocol_error(message: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_site_message(message)


@given(st.binary(max_size=200), st.integers(0, 3), st.binary(max_size=60), st.integers(0, 700))
def test_hostile_bytes_raise_nothing_else(noise: bytes, kind: int, more: bytes, cut: int) -> None:
    init = made_up_stream().init
    broken = init[:cut] + more + init[cut + len(more) :]
    for message in (noise, HEADER.pack(1, kind, 0, 0, 0, 0) + noise, HEADER.pack(1, 1, 0, 0, 0, 0) + broken):
        try:
            read_site_message(message)
        except ProtocolError:
            continue


def test_batches_join_into_one_with_the_first_ones_moment() -> None:
    one, two = (Batch(n.to_bytes(8, "big") + b"%d" % n, n, n == 1, 1, 2 if n == 1 else 0) for n in (1, 2))
    assert join([one]) is one
    assert join([one, two]) == Batch((1).to_bytes(8, "big") + b"12", 1, is_key=True, frames=2, lost=2)


def test_each_reason_has_its_sentence_and_an_unknown_one_too() -> None:
    sentences = {why_away(reason).uk for reason in GapReason}
    assert len(sentences) >= 7
    assert why_away("from-a-newer-site") == why_away(GapReason.CAMERA)
