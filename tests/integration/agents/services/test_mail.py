"""A letter there and back: aiosmtpd takes it, Dovecot gives it out."""

import mailbox
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.services import mail
from agents.services.probe import Reading
from agents.services.trouble import Trouble
from beket.testing.certificates import Authority, authority
from beket.testing.mailbox_server import MailboxServer, mailbox_server
from beket.testing.smtp import MailServer, Mode, mail_server
from tests.service_readings import ask, fails, works

LOGIN = ("robot@rada.test", "кінь батарея скріпка")

pytestmark = pytest.mark.needs("dovecot")


@pytest.fixture(scope="module")
def ours() -> Iterator[Authority]:
    with authority() as made:
        yield made


@pytest.fixture(scope="module")
def inbox(ours: Authority) -> Iterator[MailboxServer]:
    with mailbox_server(ours.server_file(), login=LOGIN) as server:
        yield server


@pytest.fixture
def post(ours: Authority, inbox: MailboxServer) -> Iterator[MailServer]:
    with mail_server(tls=ours.server(), login=LOGIN, maildir=inbox.maildir) as server:
        yield server


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    for name, text in (("robot", ":".join(LOGIN)), ("wrong", "robot@rada.test:other"), ("bare", "robot@rada.test")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def look(
    post: MailServer, imap_port: int, ours: Authority, secrets: Path, *, secret: str = "robot", **more: float
) -> Reading:
    address = f"mail://localhost:{post.port}/robot@rada.test?imap=localhost:{imap_port}"
    return ask(address, secret=secret, secrets=secrets, tls=ours.trust(), **more)


def test_a_letter_comes_and_is_cleared_up_with_those_of_earlier_probes(
    post: MailServer, inbox: MailboxServer, ours: Authority, secrets: Path
) -> None:
    folder = mailbox.Maildir(inbox.maildir, create=False)
    folder.add("From: a@b\nSubject: beket-probe-0000000000000001\n\nstuck for a day\n")
    folder.add("From: head@rada.test\nSubject: Rada sits on Friday\n\nhello\n")
    assert works(look(post, inbox.port, ours, secrets))
    assert works(look(post, inbox.port, ours, secrets))
    assert inbox.subjects() == ["Rada sits on Friday"]
    (first, second) = post.letters
    assert first.recipients == ("robot@rada.test",)
    assert first.message()["subject"] != second.message()["subject"]
    assert first.message()["auto-submitted"] == "auto-generated"


def test_a_mailbox_that_speaks_tls_from_the_first_byte(
    post: MailServer, inbox: MailboxServer, ours: Authority, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "IMAPS_PORT", inbox.tls_port)  # it is 993 everywhere, which tests may not open
    assert works(look(post, inbox.tls_port, ours, secrets))


def test_who_refuses_is_told_apart(post: MailServer, inbox: MailboxServer, ours: Authority, secrets: Path) -> None:
    assert fails(look(post, inbox.port, ours, secrets, secret="wrong"), Trouble.LOGIN)
    assert fails(look(post, inbox.port, ours, secrets, secret="absent"), Trouble.SETTING)
    post.mode = Mode.GREYLISTS
    refused = look(post, inbox.port, ours, secrets)
    assert fails(refused, Trouble.STATUS)
    assert refused.text.uk == "Поштовий сервер не прийняв листа (451)."
    post.mode = Mode.HANGS
    assert fails(look(post, inbox.port, ours, secrets, within_s=0.5), Trouble.SILENT)
    post.mode = Mode.CLOSES
    assert fails(look(post, inbox.port, ours, secrets), Trouble.CUT)


def test_a_letter_that_does_not_come_fails_in_time(inbox: MailboxServer, ours: Authority, secrets: Path) -> None:
    with mail_server(tls=ours.server(), login=LOGIN) as black_hole:
        reading = look(black_hole, inbox.port, ours, secrets, within_s=3)
        assert fails(reading, Trouble.SILENT)
        assert len(black_hole.letters) == 1


def test_no_password_goes_to_a_server_that_did_not_prove_itself(
    inbox: MailboxServer, ours: Authority, secrets: Path
) -> None:
    with mail_server(tls=ours.server(own=True), login=LOGIN) as stranger:
        assert fails(look(stranger, inbox.port, ours, secrets), Trouble.CERTIFICATE)
        assert stranger.letters == []
    with mail_server() as plain, mail_server() as no_imap:  # no TLS: no login is even tried
        assert (
            ask(
                f"mail://localhost:{plain.port}/robot@rada.test?imap=localhost:{no_imap.port}",
                secret="robot",
                secrets=secrets,
                tls=ours.trust(),
            ).trouble
            is Trouble.NOT_UNDERSTOOD
        )
        assert len(plain.letters) == 1
