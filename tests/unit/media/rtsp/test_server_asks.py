"""A server session whose mounts have to be asked for, and a gate that knows hashes only."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.clock import SimulatedClock
from beket.kernel.secrets import Secret
from beket.media.rtp.access_unit import VideoFormat
from beket.media.rtsp.digest import Gate, Ha1
from beket.media.rtsp.message import Headers, Request
from beket.media.rtsp.mount import Mount
from beket.media.rtsp.server_session import ASK, ServerSession

FORMAT = VideoFormat("h264", 1280, 720, (bytes.fromhex("6742c01fda014016ec0440000003004000000c83c60ca8"), b"\x68\x01"))
URL = "rtsp://c/gate"


def request(method: str, url: str = URL, *fields: tuple[str, str]) -> bytes:
    return Request(method, url, Headers([("CSeq", "1"), *fields])).encode()


def asking() -> tuple[ServerSession, dict[str, Mount | int]]:
    known: dict[str, Mount | int] = {}
    return ServerSession(lambda path: known.get(path, ASK), gate=None, session_id="s1"), known


def test_answer_waits_until_the_path_is_settled_and_what_follows_waits_behind_it() -> None:
    session, known = asking()
    assert session.receive(request("DESCRIBE") + request("OPTIONS")) == b""
    assert session.wanted == "/gate"
    assert session.receive(request("OPTIONS")) == b""
    known["/gate"] = Mount("/gate", FORMAT, clock=SimulatedClock())
    answers = session.settle()
    assert answers.count(b"RTSP/1.0 200") == 3
    assert answers.index(b"application/sdp") < answers.index(b"Public")
    assert session.wanted == ""


def test_refusal_becomes_its_status() -> None:
    session, known = asking()
    session.receive(request("DESCRIBE"))
    known["/gate"] = 403
    assert session.settle().startswith(b"RTSP/1.0 403")


@given(st.binary(max_size=300))
def test_hostile_bytes_behind_a_question_never_raise(noise: bytes) -> None:
    session, known = asking()
    session.receive(request("SETUP"))
    session.receive(noise)
    known["/gate"] = 404
    assert session.settle().startswith(b"RTSP/1.0")


def test_gate_knows_hashes_only_and_takes_every_way_of_digest() -> None:
    known = Ha1.of("patrol", "Beket", Secret("pw"))
    gate = Gate({"patrol": known}.get, ways=("SHA-256", "MD5"), nonce="n")
    for algorithm, make in (("MD5", hashlib.md5), ("SHA-256", hashlib.sha256)):
        who = make(b"patrol:Beket:pw").hexdigest()
        what = make(b"DESCRIBE:rtsp://c/gate").hexdigest()
        right = make(f"{who}:n:{what}".encode()).hexdigest()
        header = (
            f'Digest username="patrol", realm="Beket", nonce="n", uri="rtsp://c/gate", algorithm={algorithm}, '
            f'response="{right}"'
        )
        assert gate.admit("DESCRIBE", header) == "patrol"
        assert gate.admit("DESCRIBE", header.replace(right, "0" * len(right))) is None
    # As software of the live555 family does (VLC): it reads one challenge, says no algorithm and means MD5.
    old = header.replace("algorithm=SHA-256, ", "")
    who, what = hashlib.md5(b"patrol:Beket:pw").hexdigest(), hashlib.md5(b"DESCRIBE:rtsp://c/gate").hexdigest()
    old = old.replace(right, hashlib.md5(f"{who}:n:{what}".encode()).hexdigest())
    assert gate.admit("DESCRIBE", old) == "patrol"
    assert "pw" not in repr(known)


def test_basic_cannot_be_proved_against_hashes() -> None:
    gate = Gate({"patrol": Ha1("a", "b")}.get, ways=("Basic",))
    assert gate.admit("DESCRIBE", "Basic cGF0cm9sOnB3") is None
