import contextlib
import socket
import tracemalloc

from beket.kernel.errors import Unreachable
from beket.kernel.secrets import Secret
from beket.kernel.units import MIB
from beket.media.rtsp.digest import Authenticator, Credentials
from beket.media.rtsp.session import Agreed, PlayingSession, make_scratch
from beket.media.rtsp.wire import Wire, parse_address


def test_a_camera_that_asks_for_a_login_over_and_over_and_reads_nothing_costs_no_memory() -> None:
    asks = b'RTSP/1.0 401 No\r\nWWW-Authenticate: Digest realm="c", nonce="1"\r\n\r\nRTSP/1.0 200 OK\r\n\r\n'
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    agreed = Agreed(
        codec="h264", parameter_sets=(), control_url="rtsp://c/" + "1" * 4000, session_id="7", rtp_channel=0,
        rtcp_channel=1, keep_alive_method="OPTIONS", keep_alive_s=30, next_cseq=5, clock_rate=90_000,
    )  # fmt: skip
    login, scratch = Authenticator(Credentials("admin", Secret("sesam"))), make_scratch()
    session = PlayingSession(Wire(ours, parse_address("rtsp://c/1")), agreed, authenticator=login, early=b"", mono_ns=0)
    tracemalloc.start()
    try:
        with theirs:
            for _ in range(20):
                theirs.sendall(asks * 100)
                session.drain(scratch, mono_ns=0)
        with contextlib.suppress(Unreachable):
            session.drain(scratch, mono_ns=0)
        session.close()
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()
