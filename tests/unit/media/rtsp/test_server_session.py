from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.clock import SimulatedClock
from beket.kernel.secrets import Secret
from beket.media.rtp.access_unit import VideoFormat
from beket.media.rtsp.digest import Authenticator, Credentials, Gate
from beket.media.rtsp.message import Headers, Request, Response, parse_message
from beket.media.rtsp.mount import Mount
from beket.media.rtsp.server_session import REFUSALS_MAX, ServerSession

URL = "rtsp://c/cam?channel=1"
MOUNT = Mount("/cam?channel=1", VideoFormat("h264", 640, 360, (b"\x67abc", b"\x68d")), clock=SimulatedClock())
TCP = ("Transport", "RTP/AVP/TCP;unicast;interleaved=4-5")


def session(gate: Gate | None = None) -> ServerSession:
    return ServerSession({MOUNT.path: MOUNT}.get, gate=gate, session_id="s1")


def ask(of: ServerSession, method: str, url: str = URL, *fields: tuple[str, str]) -> Response:
    data = of.receive(Request(method, url, Headers([("CSeq", "3"), *fields])).encode())
    answer, after = parse_message(data, 0, len(data))
    assert isinstance(answer, Response)
    assert after == len(data)
    return answer


def test_client_plays_after_the_usual_questions() -> None:
    server = session()
    assert "PLAY" in ask(server, "OPTIONS", "*").headers.get("Public")
    description = ask(server, "DESCRIBE")
    assert description.headers.get("Content-Base") == URL + "/"
    assert b"H264/90000" in description.body
    setup = ask(server, "SETUP", URL + "/trackID=0", TCP)
    assert setup.headers.get("Transport").endswith("interleaved=4-5")
    assert setup.headers.get("Session") == "s1;timeout=60"
    assert ask(server, "PLAY", URL + "/", ("Session", "s1")).status == 200
    assert (server.playing, server.rtp_channel, server.rtcp_channel) == (True, 4, 5)
    assert ask(server, "GET_PARAMETER", URL, ("Session", "s1")).status == 200
    assert ask(server, "TEARDOWN", URL, ("Session", "s1")).headers.get("CSeq") == "3"
    assert (server.playing, server.closing) == (False, True)


def test_what_is_not_served_is_refused_with_the_right_status() -> None:
    server = session()
    assert ask(server, "DESCRIBE", "rtsp://c/other").status == 404
    assert ask(server, "SETUP", "rtsp://c/other/trackID=0", TCP).status == 404
    assert ask(server, "SETUP", URL, ("Transport", "RTP/AVP;unicast;client_port=5000-5001")).status == 461
    assert ask(server, "SETUP", URL, ("Transport", "RTP/AVP/TCP;interleaved=999-1000")).status == 461
    assert ask(server, "PLAY", URL, ("Session", "s1")).status == 454
    assert ask(server, "RECORD").status == 405
    ask(server, "SETUP", URL, TCP)
    assert ask(server, "PLAY", URL, ("Session", "another")).status == 454
    ask(server, "PLAY", URL, ("Session", "s1"))
    assert ask(server, "SETUP", URL, TCP).status == 455


def test_everything_but_options_asks_for_the_password() -> None:
    gate = Gate({"u": Secret("p")}.get)
    server = session(gate)
    assert ask(server, "OPTIONS").status == 200
    refused = ask(server, "DESCRIBE")
    assert refused.status == 401
    client = Authenticator(Credentials("u", Secret("p")))
    client.take(refused.headers.all("WWW-Authenticate"))
    proof = ("Authorization", client.authorization("DESCRIBE", URL) or "")
    assert ask(server, "DESCRIBE", URL, proof).status == 200
    assert server.user == "u"


def test_connection_ends_after_some_wrong_passwords_but_not_for_asking() -> None:
    server = session(Gate({"u": Secret("p")}.get))
    for _ in range(20):
        ask(server, "DESCRIBE")
    for _ in range(REFUSALS_MAX + 1):
        assert not server.closing
        ask(server, "DESCRIBE", URL, ("Authorization", 'Digest username="u", response="x"'))
    assert server.closing


def test_requests_in_pieces_and_together_with_reports_are_all_answered() -> None:
    data = b"$\x01\x00\x04abcd" + Request("OPTIONS", "*", Headers([("CSeq", "1")])).encode() * 2
    server = session()
    answers = b"".join(server.receive(data[at : at + 3]) for at in range(0, len(data), 3))
    assert answers == session().receive(data)
    assert answers.count(b"200 OK") == 2


@given(
    st.lists(st.binary(max_size=80) | st.sampled_from([b"$\x00", b"OPTIONS * RTSP/1.0\r\n\r\n", b"\r\n"]), max_size=12)
)
def test_hostile_client_is_answered_or_sent_away(pieces: list[bytes]) -> None:
    server = session(Gate({"u": Secret("p")}.get))
    for piece in pieces:
        answers = server.receive(piece)
        assert not server.closing or not answers or answers.endswith(b"400 Bad Request\r\n\r\n")
        if server.closing:
            return
