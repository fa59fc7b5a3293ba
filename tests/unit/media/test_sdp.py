import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.errors import ProtocolError
from beket.media import sdp
from tests.hostile import CORPUS

SPS, PPS = bytes.fromhex("674d0029"), bytes.fromhex("68ee3c80")


def camera(name: str) -> sdp.Description:
    """A description in the shape that such cameras give; the files are also what the fuzzers start from."""
    return sdp.parse((CORPUS / "sdp" / name).read_bytes())


@pytest.mark.parametrize(
    ("name", "base", "codec", "sets", "track"),
    [
        ("hikvision-h264", "rtsp://c/1", "h264", 2, "rtsp://10.0.0.5:554/Streaming/Channels/101/trackID=1"),
        ("dahua-h265", "rtsp://c/cam/realmonitor?channel=1&subtype=0/", "h265", 3,
         "rtsp://c/cam/realmonitor?channel=1&subtype=0/trackID=0"),
        ("uniview-h264", "rtsp://10.0.0.6/media/video1", "h264", 2, "rtsp://10.0.0.6/media/video1/video"),
        ("reolink-h264", "rtsp://c/h264Preview_01_main/", "h264", 2, "rtsp://c/h264Preview_01_main/track1"),
        ("tp-link-h264", "rtsp://c/stream1", "h264", 2, "rtsp://c/stream1/track1"),
        ("vstarcam-no-session-control", "rtsp://c:10554/tcp/av0_0", "h264", 2, "rtsp://c:10554/tcp/av0_0/track0"),
        ("onvif-no-sets", "rtsp://c/onvif1", "h264", 0, "rtsp://c/onvif1/track0"),
        ("wrong-clock", "rtsp://c/live", "h264", 0, "rtsp://c/live/video"),
    ],
)  # fmt: skip
def test_cameras_of_many_makes_give_their_video(name: str, base: str, codec: str, sets: int, track: str) -> None:
    description = camera(name)
    video = sdp.choose_video(description)
    assert (video.codec, len(video.parameter_sets)) == (codec, sets)
    assert sdp.resolve_control(video.control, reference=base) == track
    assert video.clock_rate == (8_000 if name == "wrong-clock" else 90_000)


def test_a_camera_of_another_codec_is_one_for_ffmpeg_and_one_without_video_is_none() -> None:
    with pytest.raises(sdp.UnspokenStream, match="JPEG"):
        sdp.choose_video(camera("live555-mjpeg"))
    with pytest.raises(ProtocolError) as caught:
        sdp.choose_video(sdp.parse(b"v=0\r\nm=audio 0 RTP/AVP 0\r\n"))
    assert not isinstance(caught.value, sdp.UnspokenStream)


def test_hikvision_description_gives_video_codec_and_parameter_sets() -> None:
    video = sdp.choose_video(camera("hikvision-h264"))
    assert (video.payload_type, video.parameter_sets) == (96, (SPS, PPS))


def test_dahua_h265_description_orders_vps_sps_pps_and_passes_audio_over() -> None:
    video = sdp.choose_video(camera("dahua-h265"))
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
    ("codec", "formats", "spoken"),
    [
        ("H264", "packetization-mode=2;sprop-interleaving-depth=4", False),
        ("H264", "PACKETIZATION-MODE = 2", False),
        ("H264", "packetization-mode=1", True),
        ("H264", "packetization-mode=", True),
        ("H265", "sprop-max-don-diff=3", False),
        ("H265", "profile-id=1; sprop-depack-buf-nalus=2; sprop-max-don-diff=0", False),
        ("H265", "sprop-max-don-diff=0;sprop-depack-buf-nalus=00", True),
        ("H265", "sprop-max-don-diff=x", True),
    ],
)
def test_pictures_that_travel_out_of_order_are_for_ffmpeg(codec: str, formats: str, spoken: bool) -> None:
    video = f"m=video 0 RTP/AVP 96\na=fmtp:96 {formats}\na=rtpmap:96 {codec}/90000\n"
    if spoken:
        assert sdp.choose_video(sdp.parse(f"v=0\n{video}".encode())).encoding == codec
        return
    with pytest.raises(sdp.UnspokenStream, match="order") as caught:
        sdp.choose_video(sdp.parse(f"v=0\n{video}".encode()))
    assert caught.value.hint is not None
    plain = "m=video 0 RTP/AVP 97\na=rtpmap:97 H264/90000\n"
    assert sdp.choose_video(sdp.parse(f"v=0\n{video}{plain}".encode())).payload_type == 97


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


def test_a_relative_base_stands_on_the_host_of_the_request_however_that_is_written() -> None:
    found = sdp.reference_url("rtsp://[127.0.0.1]:554/1", content_base="/live", content_location="")
    assert found == "rtsp://[127.0.0.1]:554/live"


@pytest.mark.parametrize("control", ["track\rID=1", "track\0ID=1"])
@pytest.mark.parametrize("before", ["", "m=video 0 RTP/AVP 96\n"])
def test_a_control_that_would_break_a_request_apart_is_refused(before: str, control: str) -> None:
    with pytest.raises(ProtocolError):
        sdp.parse(f"v=0\n{before}a=control:{control}\n".encode())


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
