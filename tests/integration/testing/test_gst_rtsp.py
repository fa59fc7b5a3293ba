import contextlib
import json
import time

import pytest

from beket.testing.footage import Footage
from beket.testing.gst_rtsp import Film, GstRtspServer, LiveScene, gst_rtsp_server
from beket.testing.process import ProgramFailed, output_of

LOGIN = ("viewer", "s3cret")


def probe(url: str) -> dict[str, object]:
    answer = output_of(
        "ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-timeout", "5000000", "-analyzeduration", "500000",
        "-show_entries", "stream=codec_name,width,height", "-of", "json", url,
    )  # fmt: skip
    (stream,) = json.loads(answer)["streams"]
    return {key: stream[key] for key in ("codec_name", "width", "height")}


def with_login(server: GstRtspServer, path: str, login: tuple[str, str]) -> str:
    return server.url(path).replace("rtsp://", f"rtsp://{login[0]}:{login[1]}@")


@pytest.mark.needs("gst-rtsp-server", "gst-x265", "ffprobe")
def test_server_streams_live_scenes_of_both_codecs_and_comes_back_on_its_port() -> None:
    with gst_rtsp_server(LiveScene("/street"), LiveScene("/yard", codec="h265", width=320, height=180)) as server:
        assert probe(server.url("/street")) == {"codec_name": "h264", "width": 640, "height": 360}
        assert probe(server.url("/yard")) == {"codec_name": "hevc", "width": 320, "height": 180}
        server.stop()
        with pytest.raises(ProgramFailed, match="Connection refused"):
            probe(server.url("/street"))
        server.start()
        assert probe(server.url("/street"))["codec_name"] == "h264"


@pytest.mark.needs("gst-rtsp-server", "ffprobe")
@pytest.mark.parametrize("auth", ["digest", "basic"])
def test_server_asks_for_the_login(auth: str) -> None:
    with gst_rtsp_server(LiveScene(), login=LOGIN, auth=auth) as server:
        assert probe(with_login(server, "/scene", LOGIN))["codec_name"] == "h264"
        for wrong in (server.url("/scene"), with_login(server, "/scene", ("viewer", "guess"))):
            with pytest.raises(ProgramFailed, match="401"):
                probe(wrong)


@pytest.mark.needs("gst-rtsp-server", "ffprobe", "ffmpeg")
def test_server_streams_a_film_as_it_is(footage: Footage) -> None:
    with gst_rtsp_server(Film("/film", footage.file)) as server:
        assert probe(server.url("/film")) == {
            "codec_name": footage.codec,
            "width": footage.width,
            "height": footage.height,
        }


@pytest.mark.needs("gst-rtsp-server", "ffmpeg")
def test_frozen_server_is_silent_until_it_is_thawed() -> None:
    with gst_rtsp_server(LiveScene()) as server:
        server.freeze()
        began_s = time.monotonic()
        with contextlib.suppress(ProgramFailed):
            output_of("ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-timeout", "300000", server.url("/scene"))
        assert time.monotonic() - began_s >= 0.3
        server.thaw()
        assert probe(server.url("/scene"))["codec_name"] == "h264"
