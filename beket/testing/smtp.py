"""Owns a real mail server on loopback for tests (aiosmtpd), which behaves well or badly as it is told.

It serves on a thread of its own; its mode may be changed while it runs, and it may go away and come back on its port.
"""

import asyncio
import contextlib
import mailbox
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from enum import StrEnum
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from beket.testing.process import free_tcp_port


class Mode(StrEnum):
    """How the server treats a letter."""

    ACCEPTS = "accepts"
    REFUSES = "refuses"  # 550: no such box
    GREYLISTS = "greylists"  # 451: come again later
    BUSY = "busy"  # 421: takes nothing now
    HANGS = "hangs"  # never answers
    CLOSES = "closes"  # hangs up in the middle
    TAKES_AND_HANGS = "takes-and-hangs"  # has the letter, but its answer never comes


@dataclass(frozen=True, slots=True)
class Received:
    """A letter as it came."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    def message(self) -> EmailMessage:
        """The letter, parsed."""
        parsed = BytesParser(policy=default).parsebytes(self.raw)
        assert isinstance(parsed, EmailMessage)
        return parsed


class MailServer:
    """A running server; made by `mail_server`.

    Attributes:
        letters: what it has taken, in order.
        login: the one login that it accepts when it asks for any.
    """

    def __init__(
        self, *, tls: ssl.SSLContext | None, login: tuple[str, str] | None, maildir: Path | None = None
    ) -> None:
        self.host = "127.0.0.1"
        self.port = free_tcp_port()
        self.mode = Mode.ACCEPTS
        self.letters: list[Received] = []
        self.login = login
        self._tls = tls
        self._maildir = maildir
        self._controller: Controller | None = None

    def start(self) -> None:
        """Listen."""
        self._controller = Controller(
            self,
            hostname=self.host,
            port=self.port,
            server_hostname="mail.test",
            tls_context=self._tls,
            require_starttls=self._tls is not None,
            auth_required=self.login is not None,
            auth_require_tls=self._tls is not None,
            authenticator=self._authenticate,
        )
        self._controller.start()

    def stop(self) -> None:
        """Go away: connections are refused until `start`."""
        if self._controller is not None:
            controller, self._controller = self._controller, None
            controller.stop()

    # What aiosmtpd calls ----------------------------------------------------------------------------------------------

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer to a recipient."""
        if self.mode is Mode.HANGS:
            await asyncio.sleep(3600)
        if self.mode is Mode.CLOSES and server.transport is not None:
            server.transport.close()
        answers = {
            Mode.REFUSES: "550 5.1.1 no such user here",
            Mode.GREYLISTS: "451 4.7.1 greylisted, come again",
            Mode.BUSY: "421 4.3.2 too busy",
        }
        if self.mode in answers:
            return answers[self.mode]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take the letter."""
        content = envelope.original_content or b""
        self.letters.append(Received(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        if self._maildir:
            mailbox.Maildir(self._maildir, create=False).add(content)
        if self.mode is Mode.TAKES_AND_HANGS:
            await asyncio.sleep(3600)
        return "250 taken"

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=given is not None and given == self.login, handled=False)


@contextlib.contextmanager
def mail_server(
    *, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None, maildir: Path | None = None
) -> Iterator[MailServer]:
    """A server that runs until the block ends; with `tls` it insists on STARTTLS, with `login` on that login.

    What it takes is delivered to `maildir`, if one is given.
    """
    server = MailServer(tls=tls, login=login, maildir=maildir)
    server.start()
    try:
        yield server
    finally:
        server.stop()
