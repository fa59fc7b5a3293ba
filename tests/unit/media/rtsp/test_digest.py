import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.errors import ProtocolError
from beket.kernel.secrets import Secret
from beket.media.rtsp.digest import Authenticator, Credentials, Gate, parse_challenge

MUFASA = Credentials("Mufasa", Secret("Circle of Life"))


def answer_of(challenge: str, credentials: Credentials, method: str, url: str, *, cnonce: str = "0a4f113b") -> str:
    authenticator = Authenticator(credentials, make_nonce=lambda: cnonce)
    authenticator.take([challenge])
    return authenticator.authorization(method, url) or ""


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [  # RFC 7616 §3.9.1
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_digest_is_the_one_of_the_rfc(algorithm: str, response: str) -> None:
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    challenge = f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, nonce="{nonce}"'
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    answer = answer_of(challenge, MUFASA, "GET", "/dir/index.html", cnonce=cnonce)
    assert f'response="{response}"' in answer
    assert "qop=auth, nc=00000001" in answer


def test_digest_of_an_old_camera_needs_no_qop() -> None:
    # Hand-made by RFC 2069 with the MD5 of coreutils.
    answer = answer_of('Digest realm="R", nonce="n"', Credentials("u", Secret("p")), "DESCRIBE", "rtsp://c/1")
    assert 'response="80fbd00c1cea2175a8610a6536c70624"' in answer
    assert "qop" not in answer
    assert "cnonce" not in answer


def test_strongest_way_is_taken_when_a_camera_offers_several() -> None:
    authenticator = Authenticator(Credentials("u", Secret("p")))
    authenticator.take(
        ['Basic realm="c"', 'Digest realm="c", nonce="1", algorithm=SHA-256', 'Digest realm="c", nonce="2"']
    )
    assert "algorithm=SHA-256" in (authenticator.authorization("PLAY", "rtsp://c") or "")


def test_basic_is_spoken_when_nothing_else_is_offered() -> None:
    assert answer_of('Basic realm="c"', Credentials("Aladdin", Secret("open sesame")), "PLAY", "rtsp://c") == (
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    )


def test_nothing_is_sent_before_the_camera_asked() -> None:
    assert Authenticator(MUFASA).authorization("OPTIONS", "rtsp://c") is None


@pytest.mark.parametrize("challenge", ["Negotiate", 'Digest realm="x", nonce="1", algorithm=SHA-512-256', ""])
def test_unknown_way_is_refused_with_a_hint(challenge: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        Authenticator(MUFASA).take([challenge])
    assert caught.value.hint is not None


def test_stale_nonce_is_told_apart_from_a_wrong_password() -> None:
    authenticator = Authenticator(MUFASA)
    assert not authenticator.take(['Digest realm="x", nonce="1"'])
    assert authenticator.take(['Digest realm="x", nonce="2", stale=TRUE'])


@pytest.mark.parametrize("ways", [("MD5",), ("SHA-256",), ("SHA-256", "MD5"), ("Basic",), ("MD5-sess",)])
@given(user=st.text(min_size=1, max_size=12).filter(lambda u: ":" not in u), password=st.text(max_size=12))
def test_client_and_server_agree_on_any_login(ways: tuple[str, ...], user: str, password: str) -> None:
    gate = Gate({user: Secret(password)}.get, ways=ways)
    client = Authenticator(Credentials(user, Secret(password)))
    client.take(gate.challenges())
    assert gate.admit("PLAY", client.authorization("PLAY", "rtsp://c/1") or "") == user
    wrong = Authenticator(Credentials(user, Secret(password + "x")))
    wrong.take(gate.challenges())
    assert gate.admit("PLAY", wrong.authorization("PLAY", "rtsp://c/1") or "") is None


def test_gate_says_stale_when_only_the_nonce_is_of_another_connection() -> None:
    check = {"u": Secret("p")}.get
    before, now = Gate(check, nonce="one"), Gate(check, nonce="two")
    client = Authenticator(Credentials("u", Secret("p")))
    client.take(before.challenges())
    assert now.admit("PLAY", client.authorization("PLAY", "rtsp://c") or "") is None
    assert client.take(now.challenges())
    assert now.admit("PLAY", client.authorization("PLAY", "rtsp://c") or "") == "u"


def test_gate_refuses_an_answer_made_for_another_method() -> None:
    gate = Gate({"u": Secret("p")}.get)
    client = Authenticator(Credentials("u", Secret("p")))
    client.take(gate.challenges())
    assert gate.admit("TEARDOWN", client.authorization("PLAY", "rtsp://c") or "") is None


def test_password_stands_in_no_representation() -> None:
    assert "Circle" not in repr(MUFASA) + repr(Authenticator(MUFASA).__dict__)


@given(st.text(max_size=200) | st.text('Digest nrealmonc=",\\ ', max_size=80).map(lambda rest: "Digest " + rest))
def test_any_header_is_read_or_passed_over(header: str) -> None:
    parse_challenge(header)
    assert Gate({"u": Secret("p")}.get, ways=("MD5", "Basic")).admit("PLAY", header) is None
