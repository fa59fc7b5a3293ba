import io
from collections.abc import Callable
from functools import partial
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.kernel.errors import DataLoss, ProtocolError
from beket.kernel.units import TICKS_PER_S
from beket.media.fmp4.boxes import Identity, box, identity_box
from beket.media.fmp4.fragments import fragment, init_segment
from beket.media.fmp4.join import join
from beket.media.fmp4.reader import configuration_sets, read_format, read_segment
from beket.media.rtp.access_unit import AccessUnit, VideoFormat
from beket.media.rtp.parameter_sets import format_of

H264 = format_of(
    "h264",
    (bytes.fromhex("6764001facd9405005bb011000000300100000030320f1831960"), bytes.fromhex("68ebecb22c")),
)
H265 = format_of(
    "h265",
    (
        bytes.fromhex("40010c01ffff01600000030090000003000003003fba0240"),
        bytes.fromhex("42010101600000030090000003000003003fa005020171f2e5ba4a4c2f016808000003000800000300c840"),
        bytes.fromhex("4401c073c189"),
    ),
)
DAY_90K = 1_795_564_800 * TICKS_PER_S
FRAME_90K = 3600


def frame(index: int, *, decode_time_90k: int, is_key: bool) -> bytes:
    unit = AccessUnit(bytearray(b"\0\0\0\5\x65" + index.to_bytes(4, "big")), 0, is_key)
    return fragment(unit, sequence=index + 1, decode_time_90k=decode_time_90k, duration_90k=FRAME_90K)


def segment(
    *, video: VideoFormat = H264, start_90k: int = DAY_90K, run_90k: int = 0, frames: int = 50, sequence: int = 1
) -> bytes:
    """A segment with a key frame each second; its run began `run_90k` before it."""
    identity = Identity(
        community="zghurivka", site="school", camera="gate", sequence=sequence, start_90k=start_90k, boot_id="b",
        clock_is_set=True, software="0.1.0",
    )  # fmt: skip
    parts = [frame(i, decode_time_90k=run_90k + i * FRAME_90K, is_key=i % 25 == 0) for i in range(frames)]
    return init_segment(video) + identity_box(identity) + b"".join(parts)


def sources(*segments: bytes) -> list[Callable[[], BinaryIO]]:
    return [partial(io.BytesIO, data) for data in segments]


@pytest.mark.parametrize("video", [H264, H265])
def test_init_segment_gives_its_format_back(video: VideoFormat) -> None:
    assert read_format(init_segment(video)) == video


def test_segment_is_read_as_it_was_written() -> None:
    data = segment(run_90k=8_000_000_000)
    read = read_segment(io.BytesIO(data))
    assert read.init == init_segment(H264)
    assert read.identity is not None
    assert (read.identity.camera, read.identity.start_90k) == ("gate", DAY_90K)
    assert (len(read.fragments), read.duration_90k) == (50, 50 * FRAME_90K)
    assert (read.whole_bytes, read.is_torn) == (len(data), False)
    assert [index for index, entry in enumerate(read.fragments) if entry.is_key] == [0, 25]
    entry = read.fragments[3]
    assert entry.decode_time_90k == 8_000_000_000 + 3 * FRAME_90K
    assert data[entry.offset : entry.offset + entry.size_bytes].endswith(b"\x65\0\0\0\3")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_torn_tail_ends_at_the_last_whole_fragment(cut: int) -> None:
    data = segment(frames=10)
    head = len(segment(frames=0))
    cut = min(head + cut, len(data))
    read = read_segment(io.BytesIO(data[:cut]))
    assert read.whole_bytes <= cut < read.whole_bytes + 117 + 1
    assert read.is_torn == (read.whole_bytes < cut)
    assert len(read.fragments) == (read.whole_bytes - head) // 117


def test_zeros_after_a_power_cut_are_a_torn_tail() -> None:
    data = segment(frames=10)
    read = read_segment(io.BytesIO(data + bytes(4096)))
    assert (read.whole_bytes, read.is_torn, len(read.fragments)) == (len(data), True, 10)


def test_a_segment_without_identity_or_fragments_is_read() -> None:
    read = read_segment(io.BytesIO(init_segment(H265)))
    assert (read.identity, read.fragments, read.duration_90k) == (None, (), 0)


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 500, box(b"ftyp", b"isom"), init_segment(H264)[:-1], box(b"moov", bytes(70_000))]
)
def test_what_is_not_a_segment_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_segment(io.BytesIO(data))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=8))
def test_damaged_segments_raise_one_error_or_are_read(changes: list[tuple[int, int]]) -> None:
    data = bytearray(segment(frames=5))
    for at, value in changes:
        data[at % len(data)] = value
    try:
        read = read_segment(io.BytesIO(data))
        assert read.whole_bytes <= len(data)
        read_format(read.init)
    except ProtocolError:
        return


@given(st.sampled_from(["h264", "h265"]), st.binary(max_size=60))
def test_damaged_configuration_records_raise_one_error(codec: str, record: bytes) -> None:
    try:
        configuration_sets(codec, record)  # type: ignore[arg-type] # the two literals
    except ProtocolError:
        return


def test_segments_of_one_run_join_to_one_file_that_starts_at_zero() -> None:
    first = segment(run_90k=4_500_000, frames=50)
    second = segment(run_90k=4_500_000 + 50 * FRAME_90K, start_90k=DAY_90K + 50 * FRAME_90K, frames=25, sequence=2)
    (part,) = join(sources(first, second), from_90k=0, until_90k=1 << 62)
    read = read_segment(io.BytesIO(b"".join(part.chunks())))
    assert (part.start_90k, part.duration_90k, read.duration_90k) == (DAY_90K, 75 * FRAME_90K, 75 * FRAME_90K)
    assert [entry.decode_time_90k for entry in read.fragments] == [i * FRAME_90K for i in range(75)]
    assert (read.identity, read.is_torn) == (None, False)


def test_a_part_begins_at_the_key_frame_before_the_asked_moment_and_ends_at_the_asked_end() -> None:
    data = segment(frames=100)
    (part,) = join(sources(data), from_90k=DAY_90K + 30 * FRAME_90K, until_90k=DAY_90K + 60 * FRAME_90K)
    frames = read_segment(io.BytesIO(b"".join(part.chunks()))).fragments
    assert (part.start_90k, len(frames), frames[0].is_key) == (DAY_90K + 25 * FRAME_90K, 35, True)


def test_another_format_or_missing_time_begins_another_part() -> None:
    after = DAY_90K + 25 * FRAME_90K
    first, other = segment(frames=25), segment(frames=25, video=H265, start_90k=after)
    later = segment(frames=25, video=H265, start_90k=after + 25 * FRAME_90K + 2 * TICKS_PER_S)
    parts = join(sources(first, other, later), from_90k=0, until_90k=1 << 62)
    assert [(part.start_90k - DAY_90K) // FRAME_90K for part in parts] == [0, 25, 100]
    assert [read_format(part.init).codec for part in parts] == ["h264", "h265", "h265"]


def test_a_run_that_begins_within_a_second_continues_the_file_with_its_pause() -> None:
    first = segment(frames=25)
    second = segment(frames=25, start_90k=DAY_90K + 25 * FRAME_90K + TICKS_PER_S // 2)
    (part,) = join(sources(first, second), from_90k=0, until_90k=1 << 62)
    times = [entry.decode_time_90k for entry in read_segment(io.BytesIO(b"".join(part.chunks()))).fragments]
    assert times[25] - times[24] == FRAME_90K + TICKS_PER_S // 2


def test_nothing_of_that_time_gives_no_part() -> None:
    data = segment(frames=25)
    assert join(sources(data), from_90k=0, until_90k=DAY_90K) == []
    assert join(sources(data), from_90k=DAY_90K + 25 * FRAME_90K, until_90k=1 << 62) == []
    assert join(sources(segment(frames=0)), from_90k=0, until_90k=1 << 62) == []


def test_a_segment_without_identity_is_not_joined() -> None:
    with pytest.raises(ProtocolError):
        join(sources(init_segment(H264)), from_90k=0, until_90k=1)


def test_a_segment_that_became_shorter_while_joined_is_data_loss() -> None:
    data = bytearray(segment(frames=25))
    (part,) = join([lambda: io.BytesIO(data)], from_90k=0, until_90k=1 << 62)
    del data[-10:]
    with pytest.raises(DataLoss):
        b"".join(part.chunks())
