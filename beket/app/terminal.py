"""Owns how commands speak to a person at a terminal: the chosen language, and a progress line that pipes never see."""

import sys

from beket.kernel.text import Text, language_of_environment
from beket.kernel.units import spell_bytes


def tell(text: Text | str) -> None:
    """One line on standard output, at once."""
    print(text.to(language_of_environment()) if isinstance(text, Text) else text, flush=True)


def show_progress(done: int, total: int) -> None:
    """Redraw one progress line on standard error; silent when nobody watches."""
    if sys.stderr.isatty():
        percent = 100 * done // max(1, total)
        print(f"\r{percent:3d} % ({done}/{total})", end="\n" if done >= total else "", file=sys.stderr, flush=True)


def show_count(done: int, size_bytes: int) -> None:
    """Redraw how much is done, where the end is not known; silent when nobody watches."""
    if sys.stderr.isatty():
        print(f"\r{done} · {spell_bytes(size_bytes)} ", end="", file=sys.stderr, flush=True)
