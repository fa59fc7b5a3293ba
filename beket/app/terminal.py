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
        now_s = self._now_s()
        if sys.stderr.isatty() and (now_s - self._drawn_s >= REDRAW_S or done_bytes >= total_bytes):
            self._drawn_s = now_s
            line = bar_text(done_bytes, total_bytes, now_s - self._began_s).to(language_of_environment())
            print(f"\r{line} {what} ", end="", file=sys.stderr, flush=True)

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
    part = min(1.0, done_bytes / max(1, total_bytes))
    speed_bps = done_bytes / max(taken_s, 0.001)
    left_s = round((total_bytes - done_bytes) / speed_bps) if done_bytes and total_bytes > done_bytes else 0
    filled = int(part * BAR_WIDTH)
    return say(
        "[{bar}] {percent} % · {done} з {total} · {speed} МБ/с · ще {left}",
        "[{bar}] {percent} % · {done} of {total} · {speed} MB/s · {left} left",
        bar="#" * filled + "." * (BAR_WIDTH - filled),
        percent=f"{int(part * 100):3d}",
        done=spell_bytes(done_bytes),
        total=spell_bytes(total_bytes),
        speed=f"{speed_bps / 1e6:.1f}",
        left=datetime.timedelta(seconds=left_s),
    )
