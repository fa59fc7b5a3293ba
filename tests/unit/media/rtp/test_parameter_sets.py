import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.kernel.errors import ProtocolError
from beket.media.rtp.access_unit import VideoFormat
from beket.media.rtp.bits import BitReader
from beket.media.rtp.parameter_sets import (
    codec_string,
    format_of,
    parse_h264_sps,
    parse_h265_sps,
    set_identity,
    video_format,
)

SPS = bytes.fromhex("6764001facd9405005bb011000000300100000030320f1831960")
PPS = bytes.fromhex("68ebecb22c")
H265_VPS = bytes.fromhex("40010c01ffff01600000030090000003000003003fba0240")
H265_SPS = bytes.fromhex("42010101600000030090000003000003003fa005020171f2e5ba4a4c2f016808000003000800000300c840")
H265_PPS = bytes.fromhex("4401c073c189")


class BitWriter:
    """Writes what `BitReader` reads, to make sets that no encoder here makes."""

    def __init__(self) -> None:
        self.text = ""

    def bits(self, value: int, count: int) -> "BitWriter":
        self.text += f"{value:0{count}b}" if count else ""
        return self

    def unsigned(self, *values: int) -> "BitWriter":
        for value in values:
            code = f"{value + 1:b}"
            self.text += "0" * (len(code) - 1) + code
        return self

    def signed(self, *values: int) -> "BitWriter":
        return self.unsigned(*(2 * value - 1 if value > 0 else -2 * value for value in values))

    def nal(self, header: bytes) -> bytes:
        text = self.text + "1"
        text += "0" * (-len(text) % 8)
        raw = int(text, 2).to_bytes(len(text) // 8, "big")
        out = bytearray()
        for byte in raw:
            if out[-2:] == b"\0\0" and byte <= 3:
                out.append(3)
            out.append(byte)
        return header + bytes(out)


def test_h264_sps_of_a_high_profile_encoder() -> None:
    sps = parse_h264_sps(SPS)
    assert (sps.profile_idc, sps.constraints, sps.level_idc, sps.width, sps.height) == (100, 0, 31, 1280, 720)
    assert (sps.chroma_format_idc, sps.luma_bits, sps.chroma_bits, sps.sps_id) == (1, 8, 8, 0)


def test_h264_sps_is_cropped_as_1080_lines_are() -> None:
    writer = BitWriter().bits(77, 8).bits(0, 8).bits(40, 8).unsigned(3, 0, 2, 1).bits(0, 1)
    writer.unsigned(119, 67).bits(1, 1).bits(1, 1).bits(1, 1).unsigned(0, 0, 0, 4)
    sps = parse_h264_sps(writer.nal(b"\x67"))
    assert (sps.sps_id, sps.width, sps.height) == (3, 1920, 1080)


def test_h264_interlaced_sps_counts_fields() -> None:
    writer = BitWriter().bits(77, 8).bits(0, 8).bits(30, 8).unsigned(0, 0, 0, 0, 1).bits(0, 1)
    writer.unsigned(44, 17).bits(0, 1).bits(0, 1).bits(1, 1).bits(0, 1)
    sps = parse_h264_sps(writer.nal(b"\x67"))
    assert (sps.width, sps.height) == (720, 576)


def test_h264_scaling_lists_and_picture_order_of_kind_1_are_passed_over() -> None:
    writer = BitWriter().bits(100, 8).bits(0, 8).bits(31, 8).unsigned(0, 1, 0, 0).bits(0, 1).bits(1, 1)
    writer.bits(1, 1).signed(*[1] * 16).bits(1, 1).signed(-8).bits(
        0, 6
    )  # a full list, one that ends at once, absent ones
    writer.unsigned(0, 1).bits(0, 1).signed(-3, 7).unsigned(2).signed(5, -5).unsigned(4).bits(0, 1)
    writer.unsigned(39, 29).bits(1, 1).bits(1, 1).bits(0, 1)
    sps = parse_h264_sps(writer.nal(b"\x67"))
    assert (sps.width, sps.height) == (640, 480)


def test_h265_sps_of_a_main_profile_encoder() -> None:
    sps = parse_h265_sps(H265_SPS)
    assert (sps.width, sps.height, sps.temporal_layers, sps.temporal_id_nested) == (640, 360, 1, True)
    assert sps.profile_tier_level.hex() == "01600000009000000000003f"
    assert (sps.chroma_format_idc, sps.luma_bits, sps.chroma_bits, sps.sps_id) == (1, 8, 8, 0)


def test_h265_sub_layers_are_passed_over() -> None:
    writer = BitWriter().bits(0, 4).bits(2, 3).bits(0, 1).bits(0x42, 96)
    writer.bits(0b1101, 4).bits(0, 12).bits(0, 96).bits(0, 8)
    writer.unsigned(1, 1, 1928, 1088).bits(1, 1).unsigned(0, 4, 0, 4, 2, 2)
    sps = parse_h265_sps(writer.nal(b"\x42\x01"))
    assert (sps.sps_id, sps.width, sps.height, sps.luma_bits, sps.temporal_layers) == (1, 1920, 1080, 10, 3)


def test_format_takes_sets_in_any_order_and_puts_them_in_theirs() -> None:
    video = format_of("h265", (H265_PPS, H265_VPS, H265_SPS))
    assert video == VideoFormat("h265", 640, 360, (H265_VPS, H265_SPS, H265_PPS))


def test_format_waits_for_every_needed_set() -> None:
    assert video_format("h264", {(7, 0): SPS}) is None
    with pytest.raises(ProtocolError):
        format_of("h265", (H265_SPS, H265_PPS))


def test_codec_strings_are_those_that_browsers_know() -> None:
    assert codec_string(format_of("h264", (SPS, PPS))) == "avc1.64001f"
    assert codec_string(format_of("h265", (H265_VPS, H265_SPS, H265_PPS))) == "hvc1.1.6.L63.90"


@pytest.mark.parametrize("nal", [b"", b"\x65\x88", b"\x67", SPS[:9], b"\x68\0\0\0\0\0\0", b"\x67" + bytes(5000)])
def test_broken_h264_sets_are_refused(nal: bytes) -> None:
    with pytest.raises(ProtocolError):
        set_identity("h264", nal)


def test_impossible_picture_sizes_are_refused() -> None:
    for blocks, crop in ((1 << 20, 0), (10, 400)):
        writer = BitWriter().bits(77, 8).bits(0, 8).bits(30, 8).unsigned(0, 0, 0, 0, 1).bits(0, 1)
        writer.unsigned(blocks, 17).bits(1, 1).bits(1, 1).bits(1, 1).unsigned(crop, 0, 0, 0)
        with pytest.raises(ProtocolError):
            parse_h264_sps(writer.nal(b"\x67"))


@given(st.lists(st.integers(0, 1 << 31), max_size=20), st.lists(st.integers(-(1 << 30), 1 << 30), max_size=20))
def test_exp_golomb_reads_what_was_written(unsigned: list[int], signed: list[int]) -> None:
    reader = BitReader(BitWriter().unsigned(*unsigned).signed(*signed).nal(b""))
    assert [reader.unsigned() for _ in unsigned] == unsigned
    assert [reader.signed() for _ in signed] == signed


@settings(max_examples=300)
@given(st.sampled_from([SPS, H265_SPS, H265_VPS, b"\x68", b"\x44\x01"]), st.binary(max_size=80), st.integers(0, 40))
def test_hostile_sets_raise_one_error_and_nothing_else(valid: bytes, noise: bytes, keep: int) -> None:
    nal = valid[: max(keep, 2)] + noise
    for codec in ("h264", "h265"):
        try:
            set_identity(codec, nal)
        except ProtocolError:
            continue
