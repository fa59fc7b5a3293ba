"""Owns what a letter about an alert says and how it is written as a MIME message. Pure; Ukrainian."""

import base64
from email.header import Header
from email.utils import format_datetime

from beket.kernel.clock import utc
from collector.notify.kyiv_time import KYIV, moment_in_words, stretch_in_words
from collector.rules.standing import State
from collector.rules.store import Move


def subject_of(move: Move) -> str:
    """The subject: what happened and where, or that it is over."""
    words = move.words
    if words is None:
        return f"Бекет: {move.known.key}"
    return f"Бекет: {words.over.uk if move.after.state is State.RESOLVED else words.title.uk}"


def body_of(move: Move, *, community: str) -> str:
    """The letter's text: four parts when something began, a few lines when it is over."""
    words = move.words
    parts: list[tuple[str, str]] = []
    if words is not None and move.after.state is State.RESOLVED:
        parts = [("Минуло", f"{words.over.uk}. Від вас нічого не потрібно."), ("Що було", words.what.uk)]
    elif words is not None:
        parts = [
            ("Що сталося", words.what.uk),
            ("Чому", words.why.uk),
            ("Що робити", words.todo.uk),
            ("Кому дзвонити", words.call.uk),
        ]
    parts.append(("Коли", "\n".join(_times(move))))
    told = "\n\n".join(f"{head.upper()}\n{text}" for head, text in parts)
    return f"{told}\n\n-- \nБекет, {community}. Лист надіслано автоматично, відповідати не потрібно.\n"


def compose(*, message_id: str, sender: str, recipient: str, subject: str, body: str, wall_ns: int) -> bytes:
    """The message as it travels: text/plain in UTF-8, ASCII lines of bounded length, CRLF; the same bytes at each try.

    The headers are put together here: `email.policy.SMTP` of Python 3.11 loses spaces where it folds Cyrillic words.
    """
    headers = {
        "Message-ID": message_id,
        "Date": format_datetime(utc(wall_ns).replace(microsecond=0).astimezone(KYIV)),
        "From": f"{_encoded('Бекет', 'From')} <{sender}>",
        "To": recipient,
        "Subject": _encoded(subject, "Subject"),
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Language": "uk",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "base64",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    lines = base64.encodebytes(body.replace("\n", "\r\n").encode()).replace(b"\n", b"\r\n")
    return head.encode("ascii") + b"\r\n" + lines


def _encoded(words: str, name: str) -> str:
    """Words of people as a header's value (RFC 2047); nothing in them ends the line."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return Header(plain, "utf-8", header_name=name).encode(linesep="\r\n")


def _times(move: Move) -> list[str]:
    began = move.after.began
    if move.after.state is not State.RESOLVED:
        return [f"Почалося {moment_in_words(began.wall_ns)} (за Києвом)."] if began else []
    lasted_ns = move.lasted_ns()
    end = f"Минуло {moment_in_words(move.now.wall_ns)} (за Києвом)."
    if lasted_ns is None:
        return [end, "Скільки тривало, сказати не можна: годинник центру переводили."]
    # Counted back from the end: at the beginning, after a blackout, the clock may not have been set yet.
    start = f"Почалося {moment_in_words(move.now.wall_ns - lasted_ns)}."
    return [start, end, f"Тривало: {stretch_in_words(lasted_ns)}."]
