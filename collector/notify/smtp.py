"""Owns the gate to a mail server: one message, one connection, every failure mapped to ours. Blocking.

`smtplib` bounds each answer, not the whole; a server that feeds a byte now and then is cut off by a timer.
"""

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from beket.kernel.errors import (
    BeketError,
    Busy,
    InvalidArgument,
    InvalidConfig,
    ProtocolError,
    TimedOut,
    Unauthenticated,
    Unreachable,
)
from beket.kernel.secrets import Secret
from beket.kernel.text import Text, say
from collector.notify.config import Security

# A whole delivery may take so many times the wait for one answer.
DELIVERY_TIMES = 3
REPLY_MAX_CHARS = 200


class LetterRefused(InvalidArgument):
    """The server will never take this letter; another letter may pass."""


class LetterPostponed(Busy):
    """The server asks to come again with this letter later (greylisting, a full box); another letter may pass."""


class MailGate(Protocol):
    """What the courier needs."""

    def send(self, message: bytes, *, sender: str, recipient: str) -> None:
        """Give `message` to the server; when this returns, it has taken it over.

        Raises:
            LetterRefused, LetterPostponed: about this letter.
            BeketError: about the server; no letter can pass now.
        """


class SmtpGate:
    """A `MailGate` over `smtplib`.

    Args:
        login: "" for none.
        password: read at each try, so that a corrected file needs no restart.
        tls: what is trusted; by default the machine's authorities.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        security: Security,
        login: str = "",
        password: Callable[[], Secret] | None = None,
        timeout_s: float = 20,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host = host
        self._port = port
        self._security = security
        self._login = login
        self._password = password
        self._timeout_s = timeout_s
        self._tls = tls
        self._server: smtplib.SMTP | None = None

    def send(self, message: bytes, *, sender: str, recipient: str) -> None:
        """See `MailGate.send`."""
        with self._mapped(recipient), self._connect() as server, _cut_off(server, self._timeout_s * DELIVERY_TIMES):
            server.ehlo()
            if self._security == "starttls":
                server.starttls(context=self._context())
                server.ehlo()
            if self._login and self._password is not None:
                server.login(self._login, self._password().reveal())
            server.sendmail(sender, [recipient], message)
            # Taken over: what happens to the connection from here on changes nothing.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()

    def abort(self) -> None:
        """Break off the delivery under way, from another thread: the process is about to stop."""
        if (server := self._server) is not None:
            _shut(server)

    @contextlib.contextmanager
    def _connect(self) -> Iterator[smtplib.SMTP]:
        name = "beket.invalid"  # not our host's name, which is nobody's business and slow to look up
        if self._security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, local_hostname=name, timeout=self._timeout_s, context=self._context()
            )
        else:
            server = smtplib.SMTP(self._host, self._port, local_hostname=name, timeout=self._timeout_s)
        self._server = server
        try:
            yield server
        finally:
            self._server = None
            server.close()

    def _context(self) -> ssl.SSLContext:
        return self._tls or ssl.create_default_context()

    @contextlib.contextmanager
    def _mapped(self, recipient: str) -> Iterator[None]:
        try:
            yield
        except smtplib.SMTPException as error:
            raise self._ours(error, recipient) from error
        except ssl.SSLCertVerificationError as error:
            raise InvalidConfig(
                say("Сертифікат поштового сервера неправильний.", "The mail server's certificate is not right."),
                subject=self._host,
                hint=say("Перевірте host у розділі [mail].", "Check host in the section [mail]."),
            ) from error
        except TimeoutError as error:
            raise self._late() from error
        except OSError as error:
            raise Unreachable(
                say(
                    "Поштовий сервер недоступний: {why}.",
                    "The mail server cannot be reached: {why}.",
                    why=error.strerror or error,
                ),
                subject=self._host,
            ) from error

    def _late(self) -> TimedOut:
        what = say("Поштовий сервер не відповідає вчасно.", "The mail server does not answer in time.")
        return TimedOut(what, subject=self._host)

    def _ours(self, error: smtplib.SMTPException, recipient: str) -> BeketError:
        if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code >= 500:
            what = say("Поштовий сервер не прийняв пароль.", "The mail server did not accept the password.")
            hint = say("Перевірте login і password_file.", "Check login and password_file.")
            return Unauthenticated(what, subject=self._host, hint=hint)
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            code, reply = next(iter(error.recipients.values()), (550, b""))
            return _about_letter(code, reply, recipient)
        if isinstance(error, smtplib.SMTPDataError):
            return _about_letter(error.smtp_code, error.smtp_error, recipient)
        if isinstance(error, smtplib.SMTPSenderRefused) and error.smtp_code >= 500:
            what = say("Сервер не приймає листів від sender.", "The server takes no mail from sender.")
            return InvalidConfig(_with_reply(what, error.smtp_error), subject=error.sender)
        if isinstance(error, smtplib.SMTPNotSupportedError):
            what = say("Сервер не вміє шифрувати або впускати за паролем.", "The server lacks STARTTLS or AUTH.")
            return InvalidConfig(what, subject=self._host)
        if isinstance(error, smtplib.SMTPServerDisconnected):
            if isinstance(error.__context__, TimeoutError):  # smtplib hides it
                return self._late()
            what = say("Поштовий сервер обірвав розмову.", "The mail server hung up.")
            return Unreachable(what, subject=self._host)
        if isinstance(error, smtplib.SMTPResponseException):
            what = say("Поштовий сервер зараз не приймає листів.", "The mail server takes no mail now.")
            return Busy(_with_reply(what, error.smtp_error), subject=self._host)
        return ProtocolError(
            say("Відповідь поштового сервера незрозуміла.", "The mail server's answer is not understood."),
            subject=self._host,
        )


def _about_letter(code: int, reply: bytes | str, recipient: str) -> BeketError:
    if code < 500:
        what = say("Сервер просить надіслати лист пізніше.", "The server asks to send the letter later.")
        return LetterPostponed(_with_reply(what, reply), subject=recipient)
    what = say("Сервер відмовився від листа.", "The server refused the letter.")
    hint = say("Перевірте адресу в [mail] recipients.", "Check the address in [mail] recipients.")
    return LetterRefused(_with_reply(what, reply), subject=recipient, hint=hint)


def _with_reply(what: Text, reply: bytes | str) -> Text:
    words = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    seen = "".join(c if c.isprintable() else " " for c in words)[:REPLY_MAX_CHARS]
    return say("{what} Відповідь: {seen}", "{what} It said: {seen}", what=what, seen=seen)


@contextlib.contextmanager
def _cut_off(server: smtplib.SMTP, after_s: float) -> Iterator[None]:
    timer = threading.Timer(after_s, _shut, (server,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(server: smtplib.SMTP) -> None:
    with contextlib.suppress(OSError):
        if server.sock is not None:
            server.sock.shutdown(socket.SHUT_RDWR)
