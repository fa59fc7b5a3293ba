import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.errors import ProtocolError
from beket.media import sdp

SPS, PPS = bytes.fromhex("674d0029"), bytes.fromhex("68ee3c80")
HIKVISION = b"""v=0\r
o=- 1109162014219182 1109162014219192 IN IP4 x.y.z.w\r
s=Media Presentation\r
e=NONE\r
b=AS:5100\r
t=0 0\r
a=control:rtsp://10.0.0.5:554/Streaming/Channels/101/\r
m=video 0 RTP/AVP 96\r
b=AS:5000\r
a=control:rtsp://10.0.0.5:554/Streaming/Channels/101/trackID=1\r
a=rtpmap:96 H264/90000\r
a=fmtp:96 profile-level-id=420029; packetization-mode=1; sprop-parameter-sets=Z00AKQ==,aO48gA==\r
a=Media_header:MEDIAINFO=494D4B48010100000400000100000000;\r
a=appversion:1.0\r
m=audio 0 RTP/AVP 8\r
a=rtpmap:8 PCMA/8000\r
"""
DAHUA_H265 = b"""v=0
s=RTSP Session
a=control:*
m=audio 0 RTP/AVP 97
a=control:trackID=1
a=rtpmap:97 MPEG4-GENERIC/64000
m=video 0 RTP/AVP 98
a=control:trackID=0
a=framerate:25.000000
a=rtpmap:98 H265/90000
a=fmtp:98 profile-id=1;sprop-sps=QgEB;sprop-pps=RAHgdrAmQA==;sprop-vps=QAEMAf//AWAAAAMA
a=recvonly
"""


def test_hikvision_description_gives_video_codec_and_parameter_sets() -> None:
    description = sdp.parse(HIKVISION)
    video = sdp.choose_video(description)
    assert (video.codec, video.payload_type, video.clock_rate) == ("h264", 96, 90_000)
    assert video.parameter_sets == (SPS, PPS)
    assert [media.kind for media in description.media] == ["video", "audio"]


def test_dahua_h265_description_orders_vps_sps_pps_and_passes_audio_over() -> None:
    video = sdp.choose_video(sdp.parse(DAHUA_H265))
    assert video.codec == "h265"
    assert [unit[0] >> 1 for unit in video.parameter_sets] == [32, 33, 34]


@pytest.mark.parametrize(
    ("formats", "expected"),
    [
        ("packetization-mode=1", ()),
        ("sprop-parameter-sets=Z00AKQ,aO48gA", (SPS, PPS)),
        ("sprop-parameter-sets=AAAAAWdNACk=,aO48gA==;", (SPS, PPS)),
        ("sprop-parameter-sets=%%%,aO48gA==", (PPS,)),
        ("SPROP-PARAMETER-SETS=Z00AKQ==", (SPS,)),
    ],
)
def test_parameter_sets_are_read_however_a_camera_writes_them(formats: str, expected: tuple[bytes, ...]) -> None:
    text = f"v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 {formats}\n"
    assert sdp.parse(text.encode()).media[0].parameter_sets == expected


def test_camera_without_h264_or_h265_is_refused_by_name_and_with_advice() -> None:
    description = sdp.parse(b"v=0\r\nm=video 0 RTP/AVP 26\r\nm=audio 0 RTP/AVP 0\r\n")
    with pytest.raises(ProtocolError, match="JPEG") as caught:
        sdp.choose_video(description)
    assert caught.value.hint is not None


@pytest.mark.parametrize(
    ("reference", "control", "expected"),
    [
        ("rtsp://c/Streaming/Channels/101/", "trackID=1", "rtsp://c/Streaming/Channels/101/trackID=1"),
        ("rtsp://c/Streaming/Channels/101", "trackID=1", "rtsp://c/Streaming/Channels/101/trackID=1"),
        ("rtsp://c/cam/realmonitor?channel=1&subtype=0", "trackID=0", "rtsp://c/cam/realmonitor?channel=1&subtype=0/trackID=0"),
        ("rtsp://c/h264Preview_01_main/", "track1", "rtsp://c/h264Preview_01_main/track1"),
        ("rtsp://c/1/", "/trackID=2", "rtsp://c/1/trackID=2"),
        ("rtsp://c/1", "rtsp://10.0.0.5/1/trackID=0", "rtsp://10.0.0.5/1/trackID=0"),
        ("rtsp://c/1/", "*", "rtsp://c/1/"),
        ("rtsp://c/1/", "", "rtsp://c/1/"),
    ],
)  # fmt: skip
def test_control_url_is_the_one_the_camera_expects(reference: str, control: str, expected: str) -> None:
    assert sdp.resolve_control(control, reference=reference) == expected


@pytest.mark.parametrize(
    ("base", "location", "expected"),
    [
        ("rtsp://c/base/", "rtsp://c/location/", "rtsp://c/base/"),
        ("", "rtsp://c/location/", "rtsp://c/location/"),
        ("/live/", "", "rtsp://camera:554/live/"),
        ("nonsense", "", "rtsp://camera:554/1?a=b"),
        ("", "", "rtsp://camera:554/1?a=b"),
    ],
)
def test_relative_controls_start_where_the_camera_says(base: str, location: str, expected: str) -> None:
    found = sdp.reference_url("rtsp://camera:554/1?a=b", content_base=base, content_location=location)
    assert found == expected


@pytest.mark.parametrize("data", [b"", b"hello", b"<html>", b"v=0\n" + b"m=video 0 RTP/AVP 96\n" * 40, b"x" * 70_000])
def test_what_is_no_description_is_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        sdp.parse(data)


@pytest.mark.parametrize(
    ("codec", "sets"),
    [("h264", (SPS, PPS)), ("h265", (b"\x40\x01v", b"\x42\x01s", b"\x44\x01p")), ("h264", ())],
)
def test_what_we_compose_is_read_back(codec: str, sets: tuple[bytes, ...]) -> None:
    composed = sdp.compose("h265" if codec == "h265" else "h264", sets, payload_type=96)
    video = sdp.choose_video(sdp.parse(composed))
    assert (video.codec, video.parameter_sets, video.control) == (codec, sets, "trackID=0")


lines = st.sampled_from(
    ["v=0", "m=video 0 RTP/AVP 96", "a=rtpmap:96 H264/90000", "a=fmtp:96 sprop-parameter-sets=", "a="]
)


@given(st.binary(max_size=300) | st.lists(st.builds(lambda a, b: a + b, lines, st.text(max_size=12))).map(
    lambda many: "\n".join(many).encode()))  # fmt: skip
def test_any_bytes_give_a_description_or_a_protocol_error(data: bytes) -> None:
    try:
        sdp.choose_video(sdp.parse(data))
    except ProtocolError:
        return
