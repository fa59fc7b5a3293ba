"""Owns what we write: the init segment of a run, and a fragment of one frame. Sans-I/O.

The bytes are the same on disk and for every viewer. ISO/IEC 14496-12 §8 (boxes), 14496-15 §5, §8 (avcC, hvcC).
A fragment is `moof` + `mdat` of one sample, always in the same layout, so both ends are one `struct` call.
"""

import struct

from beket.kernel.units import TICKS_PER_S
from beket.media.fmp4.boxes import box, full_box
from beket.media.rtp.access_unit import AccessUnit, VideoFormat
from beket.media.rtp.parameter_sets import (
    H264_SPS,
    H265_SPS,
    nal_type,
    parse_h264_sps,
    parse_h265_sps,
)

TRACK_ID = 1
# moof, mfhd (sequence), traf, tfhd (default-base-is-moof), tfdt (v1), trun (offset, duration, size, flags), mdat.
FRAGMENT_HEAD = struct.Struct(">I4s I4sII I4s I4sII I4sIQ I4sIIiIII I4s")
MOOF_BYTES = 100
SEQUENCE_AT = 20
DECODE_TIME_AT = 60
_TFHD_FLAGS = 0x020000
_TRUN_FLAGS = 0x000701
KEY_FLAGS = 0x02000000  # depends on no other sample (§8.8.3.1)
DELTA_FLAGS = 0x01010000  # depends on others, is not a sync sample
_ENDLESS = 0
_UNITY_MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_HIGH_PROFILES = frozenset({100, 110, 122, 144})


def init_segment(video: VideoFormat) -> bytes:
    """`ftyp` and `moov` that the fragments of a run continue.

    Raises:
        ProtocolError: the parameter sets do not describe a picture.
    """
    header = full_box(b"mvhd", struct.pack(">IIIIiHxx8x", 0, 0, TICKS_PER_S, _ENDLESS, 0x10000, 0x100), _UNITY_MATRIX,
                      bytes(24), struct.pack(">I", TRACK_ID + 1))  # fmt: skip
    trex = full_box(b"trex", struct.pack(">5I", TRACK_ID, 1, 0, 0, 0))
    moov = box(b"moov", header, _track(video), box(b"mvex", trex))
    return box(b"ftyp", b"iso5", struct.pack(">I", 512), b"iso5iso6mp41") + moov


def fragment(unit: AccessUnit, *, sequence: int, decode_time_90k: int, duration_90k: int) -> bytes:
    """`moof` + `mdat` with one frame; `sequence` counts the fragments of a run from 1."""
    data = unit.data
    flags = KEY_FLAGS if unit.is_key else DELTA_FLAGS
    head = FRAGMENT_HEAD.pack(
        MOOF_BYTES, b"moof",
        16, b"mfhd", 0, sequence & 0xFFFFFFFF,
        76, b"traf",
        16, b"tfhd", _TFHD_FLAGS, TRACK_ID,
        20, b"tfdt", 0x01000000, decode_time_90k,
        32, b"trun", _TRUN_FLAGS, 1, MOOF_BYTES + 8, duration_90k, len(data), flags,
        len(data) + 8, b"mdat",
    )  # fmt: skip
    return b"".join((head, data))


def _track(video: VideoFormat) -> bytes:
    width_height = struct.pack(">II", video.width << 16, video.height << 16)
    header = full_box(b"tkhd", struct.pack(">5I8xhhhxx", 0, 0, TRACK_ID, 0, _ENDLESS, 0, 0, 0), _UNITY_MATRIX,
                      width_height, flags=3)  # fmt: skip
    media_header = full_box(b"mdhd", struct.pack(">IIIIHH", 0, 0, TICKS_PER_S, _ENDLESS, 0x55C4, 0))
    handler = full_box(b"hdlr", struct.pack(">I4s12x", 0, b"vide"), b"Beket\0")
    reference = full_box(b"dref", struct.pack(">I", 1), full_box(b"url ", flags=1))
    tables = box(
        b"stbl",
        full_box(b"stsd", struct.pack(">I", 1), _sample_entry(video)),
        full_box(b"stts", bytes(4)),
        full_box(b"stsc", bytes(4)),
        full_box(b"stsz", bytes(8)),
        full_box(b"stco", bytes(4)),
    )
    information = box(b"minf", full_box(b"vmhd", bytes(8), flags=1), box(b"dinf", reference), tables)
    return box(b"trak", header, box(b"mdia", media_header, handler, information))


def _sample_entry(video: VideoFormat) -> bytes:
    kind, configuration = (b"avc1", _avcc(video)) if video.codec == "h264" else (b"hvc1", _hvcc(video))
    visual = struct.pack(
        ">6xH16xHHIIIH32xHh", 1, video.width, video.height, 0x480000, 0x480000, 0, 1, 24, -1
    )  # fmt: skip
    return box(kind, visual, configuration)


def _avcc(video: VideoFormat) -> bytes:
    sps = [nal for nal in video.parameter_sets if nal_type("h264", nal) == H264_SPS]
    others = [nal for nal in video.parameter_sets if nal_type("h264", nal) != H264_SPS]
    parsed = parse_h264_sps(sps[0])
    record = [struct.pack(">B3sBB", 1, sps[0][1:4], 0xFF, 0xE0 | len(sps)), *map(_sized, sps)]
    record += [struct.pack(">B", len(others)), *map(_sized, others)]
    if parsed.profile_idc in _HIGH_PROFILES:
        record.append(struct.pack(
            ">4B", 0xFC | parsed.chroma_format_idc, 0xF8 | parsed.luma_bits - 8, 0xF8 | parsed.chroma_bits - 8, 0
        ))  # fmt: skip
    return box(b"avcC", *record)


def _hvcc(video: VideoFormat) -> bytes:
    by_type: dict[int, list[bytes]] = {}
    for nal in video.parameter_sets:
        by_type.setdefault(nal_type("h265", nal), []).append(nal)
    sps = parse_h265_sps(by_type[H265_SPS][0])
    # Segmentation, parallelism and frame rate are "not said" (0): decoders read them in the sets themselves.
    record = [b"\1", sps.profile_tier_level, struct.pack(
        ">HBBBBHBB", 0xF000, 0xFC, 0xFC | sps.chroma_format_idc, 0xF8 | sps.luma_bits - 8, 0xF8 | sps.chroma_bits - 8,
        0, sps.temporal_layers << 3 | sps.temporal_id_nested << 2 | 3, len(by_type),
    )]  # fmt: skip
    for kind in sorted(by_type):
        record += [struct.pack(">BH", 0x80 | kind, len(by_type[kind])), *map(_sized, by_type[kind])]
    return box(b"hvcC", *record)


def _sized(nal: bytes) -> bytes:
    return struct.pack(">H", len(nal)) + nal
