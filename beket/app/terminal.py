"""Owns how commands speak to a person at a terminal: the chosen language, and a progress line that pipes never see."""

import datetime
import sys
import time
from collections.abc import Callable

from beket.kernel.text import Text, language_of_environment, say
from beket.kernel.units import spell_bytes

REDRAW_S = 0.2
BAR_WIDTH = 20


def tell(text: Text | str) -> None:
    """One line on standard output, at once."""
    print(text.to(language_of_environment()) if isinstance(text, Text) else text, flush=True)


def show_progress(done: int, total: int) -> None:
    """Redraw one progress line on standard error; silent when nobody watches."""
    if sys.stderr.isatty():
        percent = 100 * done // max(1, total)
        print(f"\r{percent:3d} % ({done}/{total})", end="\n" if done >= total else "", file=sys.stderr, flush=True)


class Bar:
    """How far a long reading has come, how fast it goes and when it ends; silent when nobody watches."""

    def __init__(self, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._began_s = self._drawn_s = now_s()

    def show(self, done_bytes: int, total_bytes: int, what: str) -> None:
        """Redraw the line, at most five times a second."""
        self._draw(bar_text(done_bytes, total_bytes, self._now_s() - self._began_s), what)

    def show_parts(self, done: int, total: int, what: str) -> None:
        """`show` for what is counted in parts."""
        self._draw(parts_text(done, total, self._now_s() - self._began_s), what)

    def _draw(self, line: Text, what: str) -> None:
        now_s = self._now_s()
        if sys.stderr.isatty() and now_s - self._drawn_s >= REDRAW_S:
            self._drawn_s = now_s
            print(f"\r{line.to(language_of_environment())} {what} ", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line as it is; what follows begins on one of its own."""
        if sys.stderr.isatty():
            print(file=sys.stderr, flush=True)


def bar_text(done_bytes: int, total_bytes: int, taken_s: float) -> Text:
    """The line without its place.

    Example:
        >>> bar_text(50_000_000, 200_000_000, 10).en
        '[#####...............]  25 % · 47,7 МіБ of 190,7 МіБ · 5.0 MB/s · 0:00:30 left'
    """
    return say(
        "{bar} · {done} з {total} · {speed} МБ/с · ще {left}",
        "{bar} · {done} of {total} · {speed} MB/s · {left} left",
        bar=_drawn(done_bytes, total_bytes),
        done=spell_bytes(done_bytes),
        total=spell_bytes(total_bytes),
        speed=f"{done_bytes / max(taken_s, 0.001) / 1e6:.1f}",
        left=_left(done_bytes, total_bytes, taken_s),
    )


def parts_text(done: int, total: int, taken_s: float) -> Text:
    """The line for what is counted in parts.

    Example:
        >>> parts_text(5, 20, 10).en
        '[#####...............]  25 % · 5 of 20 · 0:00:30 left'
    """
    return say(
        "{bar} · {done} з {total} · ще {left}",
        "{bar} · {done} of {total} · {left} left",
        bar=_drawn(done, total),
        done=done,
        total=total,
        left=_left(done, total, taken_s),
    )


def _drawn(done: int, total: int) -> str:
    part = min(1.0, done / max(1, total))
    filled = int(part * BAR_WIDTH)
    return f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {int(part * 100):3d} %"


def _left(done: int, total: int, taken_s: float) -> datetime.timedelta:
    return datetime.timedelta(seconds=round(max(0, total - done) * taken_s / done) if done else 0)
