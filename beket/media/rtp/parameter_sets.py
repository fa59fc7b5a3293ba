"""Owns what is read from parameter sets: picture size, profile, level, and what avcC and hvcC repeat of them. Sans-I/O.

H.264: ITU-T H.264 §7.3.2.1; H.265: ITU-T H.265 §7.3.2.2. Parsing stops where the answers are complete (before the VUI).
"""

from dataclasses import dataclass

from beket.kernel.errors import ProtocolError
from beket.kernel.ports import Codec
from beket.kernel.text import say
from beket.media.rtp.access_unit import VideoFormat
from beket.media.rtp.bits import BitReader, too_short

SET_MAX_BYTES = 4096
_SIDE_MAX = 16_384
_HIGH_PROFILES = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})

H264_SPS, H264_PPS = 7, 8
H265_VPS, H265_SPS, H265_PPS = 32, 33, 34
_NEEDED_TYPES: dict[Codec, tuple[int, ...]] = {
    "h264": (H264_SPS, H264_PPS),
    "h265": (H265_VPS, H265_SPS, H265_PPS),
}


@dataclass(frozen=True, slots=True)
class H264Sps:
    """A sequence parameter set of H.264, as far as a container needs it."""

    sps_id: int
    profile_idc: int
    constraints: int
    level_idc: int
    chroma_format_idc: int
    luma_bits: int
    chroma_bits: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class H265Sps:
    """A sequence parameter set of H.265, as far as a container needs it.

    Attributes:
        profile_tier_level: the 12 bytes that hvcC repeats: profile space, tier, idc, compatibility, constraints, level.
    """

    sps_id: int
    profile_tier_level: bytes
    temporal_layers: int
    temporal_id_nested: bool
    chroma_format_idc: int
    luma_bits: int
    chroma_bits: int
    width: int
    height: int


def parse_h264_sps(nal: bytes) -> H264Sps:
    """Read an SPS NAL unit.

    Raises:
        ProtocolError: it is cut short, breaks the standard's bounds, or names a picture no camera makes.
    """
    bits = _reader(nal, header_bytes=1)
    profile_idc, constraints, level_idc = bits.bits(8), bits.bits(8), bits.bits(8)
    sps_id = _at_most(bits.unsigned(), 31)
    chroma, luma_bits, chroma_bits, separate_planes = 1, 8, 8, False
    if profile_idc in _HIGH_PROFILES:
        chroma = _at_most(bits.unsigned(), 3)
        separate_planes = chroma == 3 and bits.flag()
        luma_bits = 8 + _at_most(bits.unsigned(), 6)
        chroma_bits = 8 + _at_most(bits.unsigned(), 6)
        bits.skip(1)  # qpprime_y_zero_transform_bypass_flag
        if bits.flag():
            _skip_scaling_lists(bits, 12 if chroma == 3 else 8)
    _skip_picture_order(bits)
    bits.unsigned()  # max_num_ref_frames
    bits.skip(1)  # gaps_in_frame_num_value_allowed_flag
    width_blocks, height_blocks = bits.unsigned() + 1, bits.unsigned() + 1
    frames_only = bits.flag()
    if not frames_only:
        bits.skip(1)  # mb_adaptive_frame_field_flag
    bits.skip(1)  # direct_8x8_inference_flag
    crop_x = 2 if chroma in (1, 2) and not separate_planes else 1
    crop_y = (2 if chroma == 1 and not separate_planes else 1) * (1 if frames_only else 2)
    width, height = _crop(
        bits, width_blocks * 16, height_blocks * 16 * (1 if frames_only else 2), crop_x=crop_x, crop_y=crop_y
    )
    return H264Sps(sps_id, profile_idc, constraints, level_idc, chroma, luma_bits, chroma_bits, width, height)


def parse_h265_sps(nal: bytes) -> H265Sps:
    """Read an SPS NAL unit.

    Raises:
        ProtocolError: it is cut short, breaks the standard's bounds, or names a picture no camera makes.
    """
    bits = _reader(nal, header_bytes=2)
    bits.skip(4)  # sps_video_parameter_set_id
    sub_layers = _at_most(bits.bits(3), 6)
    nested = bits.flag()
    profile_tier_level = bits.bits(96).to_bytes(12, "big")
    _skip_sub_layers(bits, sub_layers)
    sps_id = _at_most(bits.unsigned(), 15)
    chroma = _at_most(bits.unsigned(), 3)
    separate_planes = chroma == 3 and bits.flag()
    width, height = bits.unsigned(), bits.unsigned()
    crop_x = 2 if chroma in (1, 2) and not separate_planes else 1
    width, height = _crop(bits, width, height, crop_x=crop_x, crop_y=2 if chroma == 1 else 1)
    luma_bits = 8 + _at_most(bits.unsigned(), 8)
    chroma_bits = 8 + _at_most(bits.unsigned(), 8)
    return H265Sps(
        sps_id, profile_tier_level, sub_layers + 1, nested, chroma, luma_bits, chroma_bits, width, height
    )  # fmt: skip


def nal_type(codec: Codec, nal: bytes) -> int:
    """The `nal_unit_type` of a NAL unit that is not empty."""
    return nal[0] & 31 if codec == "h264" else nal[0] >> 1 & 63


def set_identity(codec: Codec, nal: bytes) -> tuple[int, int]:
    """Type and id of a parameter set: a later one of the same identity replaces it.

    Raises:
        ProtocolError: not a parameter set, or broken.
    """
    kind = nal_type(codec, nal) if nal else -1
    if codec == "h264" and kind == H264_SPS:
        return kind, parse_h264_sps(nal).sps_id
    if codec == "h264" and kind == H264_PPS:
        return kind, _at_most(_reader(nal, header_bytes=1).unsigned(), 255)
    if codec == "h265" and kind == H265_VPS:
        return kind, _reader(nal, header_bytes=2).bits(4)
    if codec == "h265" and kind == H265_SPS:
        return kind, parse_h265_sps(nal).sps_id
    if codec == "h265" and kind == H265_PPS:
        return kind, _at_most(_reader(nal, header_bytes=2).unsigned(), 63)
    raise too_short()


def video_format(codec: Codec, sets: dict[tuple[int, int], bytes]) -> VideoFormat | None:
    """The format that parameter sets, by `set_identity`, describe; None while one of the needed types is missing."""
    ordered = sorted(sets)
    if not {kind for kind, _ in ordered}.issuperset(_NEEDED_TYPES[codec]):
        return None
    sps_type = H264_SPS if codec == "h264" else H265_SPS
    sps = next(sets[identity] for identity in ordered if identity[0] == sps_type)
    parsed = parse_h264_sps(sps) if codec == "h264" else parse_h265_sps(sps)
    return VideoFormat(codec, parsed.width, parsed.height, tuple(sets[identity] for identity in ordered))


def format_of(codec: Codec, parameter_sets: tuple[bytes, ...]) -> VideoFormat:
    """The format that `parameter_sets`, in any order, describe.

    Raises:
        ProtocolError: one is broken, or one is missing.
    """
    found = video_format(codec, {set_identity(codec, nal): nal for nal in parameter_sets})
    if found is None:
        raise too_short()
    return found


def codec_string(video: VideoFormat) -> str:
    """What a browser is asked whether it can play (RFC 6381; ISO/IEC 14496-15 Annex E).

    Example:
        >>> codec_string(VideoFormat("h264", 1280, 720, (bytes.fromhex("6764001facd9"),)))
        'avc1.64001f'
    """
    if video.codec == "h264":
        sps = next(nal for nal in video.parameter_sets if nal_type("h264", nal) == H264_SPS)
        return f"avc1.{sps[1:4].hex()}"
    profile = parse_h265_sps(next(n for n in video.parameter_sets if nal_type("h265", n) == H265_SPS))
    first, *_ = profile.profile_tier_level
    space = ("", "A", "B", "C")[first >> 6]
    compatibility = int(f"{int.from_bytes(profile.profile_tier_level[1:5], 'big'):032b}"[::-1], 2)
    constraints = profile.profile_tier_level[5:11].rstrip(b"\0")
    level = profile.profile_tier_level[11]
    parts = [f"hvc1.{space}{first & 31}", f"{compatibility:X}", f"{'H' if first & 32 else 'L'}{level}"]
    return ".".join(parts + [f"{byte:X}" for byte in constraints])


def _reader(nal: bytes, *, header_bytes: int) -> BitReader:
    if len(nal) > SET_MAX_BYTES:
        raise too_short()
    return BitReader(nal[header_bytes:])


def _at_most(value: int, limit: int) -> int:
    if value > limit:
        raise too_short()
    return value


def _crop(bits: BitReader, width: int, height: int, *, crop_x: int, crop_y: int) -> tuple[int, int]:
    if bits.flag():
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
        width -= crop_x * (left + right)
        height -= crop_y * (top + bottom)
    if not (0 < width <= _SIDE_MAX and 0 < height <= _SIDE_MAX):
        raise ProtocolError(
            say(
                "Камера назвала неможливий розмір кадру: {width}×{height}.",
                "The camera names an impossible picture size: {width}×{height}.",
                width=width,
                height=height,
            )
        )
    return width, height


def _skip_picture_order(bits: BitReader) -> None:
    _at_most(bits.unsigned(), 12)  # log2_max_frame_num_minus4
    kind = _at_most(bits.unsigned(), 2)
    if kind == 0:
        _at_most(bits.unsigned(), 12)  # log2_max_pic_order_cnt_lsb_minus4
    elif kind == 1:
        bits.skip(1)
        bits.signed()
        bits.signed()
        for _ in range(_at_most(bits.unsigned(), 255)):
            bits.signed()


def _skip_scaling_lists(bits: BitReader, lists: int) -> None:
    for index in range(lists):
        if not bits.flag():
            continue
        last_scale = next_scale = 8
        for _ in range(16 if index < 6 else 64):
            if next_scale:
                next_scale = (last_scale + bits.signed()) % 256
            last_scale = next_scale or last_scale


def _skip_sub_layers(bits: BitReader, sub_layers: int) -> None:
    present = [(bits.flag(), bits.flag()) for _ in range(sub_layers)]
    if sub_layers:
        bits.skip(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        bits.skip(88 * has_profile + 8 * has_level)
