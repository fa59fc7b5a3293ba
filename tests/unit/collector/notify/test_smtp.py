"""The gate against a real server on loopback: good, bad and absent."""

import ssl
from pathlib import Path

import pytest

from beket.access import tls
from beket.kernel.errors import BeketError, Busy, InvalidConfig, TimedOut, Unauthenticated, Unreachable
from beket.kernel.secrets import Secret
from beket.testing.smtp import MailServer, Mode, mail_server
from collector.notify.smtp import LetterPostponed, LetterRefused, SmtpGate

LETTER = b"Message-ID: <1@test>\r\nSubject: x\r\n\r\n" + "текст\r\n".encode()


def gate(server: MailServer, *, timeout_s: float = 5) -> SmtpGate:
    return SmtpGate(server.host, server.port, security="plain", timeout_s=timeout_s)


def send(one: SmtpGate) -> None:
    one.send(LETTER, sender="beket@dolyna.ua", recipient="it@dolyna.ua")


def test_a_letter_arrives_as_it_was_written() -> None:
    with mail_server() as server:
        send(gate(server))
    (letter,) = server.letters
    assert letter.raw == LETTER
    assert (letter.sender, letter.recipients) == ("beket@dolyna.ua", ("it@dolyna.ua",))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Mode.REFUSES, LetterRefused),
        (Mode.GREYLISTS, LetterPostponed),
        (Mode.HANGS, TimedOut),
        (Mode.TAKES_AND_HANGS, TimedOut),
        (Mode.CLOSES, Unreachable),
    ],
)
def test_each_way_to_fail_has_its_own_error_and_a_sentence(mode: Mode, expected: type[BeketError]) -> None:
    with mail_server() as server:
        server.mode = mode
        with pytest.raises(expected) as caught:
            send(gate(server, timeout_s=0.3))
    assert caught.value.sentence().uk.count(" ") > 3


def test_a_server_that_is_too_busy_or_away_keeps_the_letter_here() -> None:
    with mail_server() as server:
        server.mode = Mode.BUSY
        with pytest.raises((Busy, Unreachable)):
            send(gate(server))
        server.stop()
        with pytest.raises(Unreachable):
            send(gate(server))
        server.mode = Mode.ACCEPTS
        server.start()
        send(gate(server))
    assert len(server.letters) == 1


def test_encryption_and_login_are_used_and_checked(tmp_path: Path) -> None:
    cert, key, _ = tls.server_files(tmp_path, ("127.0.0.1", "localhost"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    trusting = ssl.create_default_context(cafile=str(cert))
    with mail_server(tls=context, login=("beket", "right")) as server:

        def starttls(password: str, trust: ssl.SSLContext | None) -> SmtpGate:
            return SmtpGate(
                server.host,
                server.port,
                security="starttls",
                login="beket",
                password=lambda: Secret(password),
                timeout_s=5,
                tls=trust,
            )

        send(starttls("right", trusting))
        with pytest.raises(Unauthenticated, match="password"):
            send(starttls("wrong", trusting))
        with pytest.raises(InvalidConfig, match="certificate"):
            send(starttls("right", None))
    assert len(server.letters) == 1


def test_a_server_without_encryption_is_refused() -> None:
    with mail_server() as server, pytest.raises(InvalidConfig):
        send(SmtpGate(server.host, server.port, security="starttls", timeout_s=5))
    assert not server.letters
