import pytest

from beket.kernel.errors import InvalidArgument
from beket.media.rtsp.wire import parse_address


@pytest.mark.parametrize(
    ("url", "host", "port", "is_tls"),
    [
        ("rtsp://10.0.0.5/Streaming/Channels/101", "10.0.0.5", 554, False),
        ("rtsp://camera.local:8554/cam/realmonitor?channel=1&subtype=0", "camera.local", 8554, False),
        ("RTSPS://10.0.0.5", "10.0.0.5", 322, True),
        ("rtsp://[fd00::5]:554/1", "fd00::5", 554, False),
    ],
)
def test_address_is_read_from_an_url(url: str, host: str, port: int, is_tls: bool) -> None:
    address = parse_address(url)
    assert (address.host, address.port, address.is_tls) == (host, port, is_tls)
    assert address.url.lower() == url.lower()


@pytest.mark.parametrize("url", ["", "rtsp://", "rtsp://c:0/", "rtsp://c:70000/", "http://c/", "rtsp://c/a\r\nX: y"])
def test_what_is_no_stream_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_address(url)


def test_address_with_a_password_is_refused_without_showing_it() -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_address("rtsp://admin:hunter2@10.0.0.5/1")
    assert "hunter2" not in caught.value.sentence().uk + str(caught.value)
    assert caught.value.hint is not None
