"""Owns the receiving half of the mail probe: IMAP (RFC 3501) as far as finding one letter and clearing up needs it."""

import base64
import re
import ssl

from agents.services.connection import Connection
from agents.services.smtp_talk import read_line
from agents.services.trouble import Failed, Trouble, not_understood
from beket.kernel.secrets import Secret
from beket.kernel.text import Text, say

LINES_MAX = 1000
FOUND_MAX = 500
_LITERAL = re.compile(rb"\{\d+\}$")


class Mailbox:
    """A mailbox over one connection; strictly one command after the other."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._count = 0

    async def open(self, host: str, *, tls: ssl.SSLContext, login: Secret) -> None:
        """Greet, secure what is not, log in, and open the inbox.

        Raises:
            Failed: the server refuses, has no TLS, or speaks no IMAP.
        """
        if not (await read_line(self._connection)).startswith(b"* OK"):
            raise not_understood("IMAP")
        if self._connection.certificate() is None:
            await self._ask("STARTTLS", Trouble.TLS)
            await self._connection.writer.start_tls(tls, server_hostname=host)
        user, _, password = login.reveal().partition(":")
        proof = base64.b64encode(f"\0{user}\0{password}".encode())
        await self._ask("AUTHENTICATE PLAIN", Trouble.LOGIN, then=proof + b"\r\n")
        await self._ask("SELECT INBOX")

    async def find(self, subject: str) -> list[int]:
        """Numbers of the letters whose subject holds `subject` (letters, digits and dashes)."""
        await self._ask("NOOP")  # what came meanwhile is seen from here on
        lines = await self._ask(f'SEARCH SUBJECT "{subject}"')
        found = [line.split()[2:] for line in lines if line.upper().startswith(b"* SEARCH")]
        return [int(word) for words in found for word in words[:FOUND_MAX] if word.isdigit() and len(word) < 11]

    async def remove(self, letters: list[int]) -> None:
        """Delete them for good."""
        if letters:
            await self._ask(f"STORE {','.join(map(str, letters))} +FLAGS.SILENT (\\Deleted)")
            await self._ask("EXPUNGE")

    async def close(self) -> None:
        """Say good-bye, without waiting for an answer."""
        await self._connection.send(b"z LOGOUT\r\n")

    async def _ask(self, command: str, trouble: Trouble = Trouble.STATUS, *, then: bytes = b"") -> list[bytes]:
        """The untagged lines that a good answer brings; `then` is sent when the server asks to go on."""
        self._count += 1
        tag = b"a%d" % self._count
        await self._connection.send(tag + f" {command}\r\n".encode("ascii"))
        lines: list[bytes] = []
        for _ in range(LINES_MAX):
            line = await read_line(self._connection)
            if line.startswith(b"+") and then:
                await self._connection.send(then)
                then = b""
            elif line.startswith(tag + b" "):
                if line[len(tag) + 1 :].upper().startswith(b"OK"):
                    return lines
                raise Failed(trouble, _refusal(trouble))
            elif not line.startswith(b"*") or _LITERAL.search(line):
                raise not_understood("IMAP")
            else:
                lines.append(line)
        raise not_understood("IMAP")


def _refusal(trouble: Trouble) -> Text:
    match trouble:
        case Trouble.LOGIN:
            return say("Скринька не прийняла логін чи пароль.", "The mailbox refused the login or the password.")
        case Trouble.TLS:
            return say("Скринька без захисту (TLS), пароль їй не дано.", "The mailbox has no TLS; it got no password.")
    return say("Скринька відмовила.", "The mailbox refused.")
