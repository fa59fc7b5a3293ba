"""What a terminal would show: erased pagers, colours, broken sequences, any cutting into pieces, hostile bytes."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.hosts.screen import LINE_MAX_BYTES, Screen, decode
from beket.kernel.errors import ProtocolError
from tests.hostile import damaged

SHOWN = [
    (b"one\r\ntwo\r\n", ["one", "two"]),
    (b"one\n\rtwo\n\r", ["one", "two"]),
    (b"one\r\r\ntwo\n", ["one", "two"]),
    (b"a\x00b\x07c\n", ["abc"]),
    (b"\x1b[1;32mgreen\x1b[0m plain\n", ["green plain"]),
    (b"\x1b]0;title\x07text\n", ["text"]),
    (b"\x1b(Btext\x1b=\n", ["text"]),
    (b"--More--\r        \rline\n", ["line    "]),
    (b" --More-- \b\b\b\b\b\b\b\b\b\b          \b\b\b\b\b\b\b\b\b\bline\n", ["line      "]),
    (b"Press any key\r\x1b[2Kline\n", ["line"]),
    (b"Press any key\x1b[13D\x1b[Kline\n", ["line"]),
    (b"abc\x1b[1Gx\x1b[Cz\n", ["xbz"]),
    (b"abcdef\x1b[3D\x1b[1K\n", ["   def"]),
    ("опис порту\n".encode(), ["опис порту"]),
    ("опис порту\n".encode("cp1251"), ["опис порту"]),
]


@pytest.mark.parametrize(("data", "lines"), SHOWN)
def test_lines_are_what_a_person_would_see(data: bytes, lines: list[str]) -> None:
    screen = Screen()
    screen.feed(data)
    assert screen.lines == lines
    assert screen.text() == "".join(f"{line.rstrip()}\n" for line in lines)


@given(st.sampled_from(SHOWN), st.data())
def test_pieces_change_nothing(shown: tuple[bytes, list[str]], data: st.DataObject) -> None:
    text, lines = shown
    screen = Screen()
    at = 0
    while at < len(text):
        size = data.draw(st.integers(1, 5))
        screen.feed(text[at : at + size])
        at += size
    assert screen.lines == lines
    assert screen.received_bytes == len(text)


def test_an_answered_pager_that_is_not_erased_leaves_nothing() -> None:
    screen = Screen()
    screen.feed(b"line 1\r\n--More--")
    assert screen.current() == "--More--"
    screen.clear_current()
    screen.feed(b"line 2\r\n")
    assert screen.lines == ["line 1", "line 2"]


def test_a_line_without_an_end_is_refused() -> None:
    screen = Screen()
    screen.feed(b"x" * LINE_MAX_BYTES)
    with pytest.raises(ProtocolError, match="line without an end"):
        screen.feed(b"x")


def test_the_last_line_counts_when_it_is_finished() -> None:
    screen = Screen()
    screen.feed(b"one\ntwo")
    assert screen.text() == "one\n"
    screen.finish()
    screen.finish()
    assert screen.text() == "one\ntwo\n"


def test_what_is_neither_utf8_nor_windows_still_reads() -> None:
    assert decode(b"\x98\xff") == "\ufffdя"


def test_hostile_bytes_raise_the_declared_error_alone() -> None:
    rng = random.Random(5)
    seeds = [data for data, _ in SHOWN] + [b"\x1b[999999999999C" + b"x" * 300, b"\x1b]" * 500, b"a\b" * 3000, b"\x1b[K"]
    for _ in range(1500):
        screen = Screen()
        try:
            for _ in range(4):
                screen.feed(damaged(rng, seeds))
        except ProtocolError:
            continue
        assert all("\x1b" not in line and "\n" not in line for line in screen.lines)
