"""Owns what two masked texts differ in: a unified diff, how many lines, and the few words for a sentence. Pure."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

CONTEXT_LINES = 3
SHOWN_LINES_MAX = 2000
SUMMARY_LINES = 3
SUMMARY_CHARS = 100


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a diff: `head` names the place, `same` is context."""

    kind: Literal["head", "same", "added", "removed"]
    text: str


def unified(before: str, after: str) -> list[DiffLine]:
    """The lines in which the texts differ, with context; at most `SHOWN_LINES_MAX`."""
    lines: list[DiffLine] = []
    for line in _unified(before, after):
        if len(lines) >= SHOWN_LINES_MAX:
            lines.append(DiffLine("head", "…"))
            break
        kind = {"@": "head", "+": "added", "-": "removed"}.get(line[:1], "same")
        lines.append(DiffLine(kind, line if kind == "head" else line[1:]))  # type: ignore[arg-type] # one of the four
    return lines


def spell(lines: list[DiffLine]) -> str:
    """As every programmer's tool prints it."""
    signs = {"head": "", "same": " ", "added": "+", "removed": "-"}
    return "".join(f"{signs[line.kind]}{line.text}\n" for line in lines)


def counts(before: str, after: str) -> tuple[int, int]:
    """How many lines were added and removed."""
    added = removed = 0
    for line in _unified(before, after):
        added += line.startswith("+")
        removed += line.startswith("-")
    return added, removed


def summary(before: str, after: str) -> str:
    """The first changed lines, short, for an alert."""
    changed = [line for line in unified(before, after) if line.kind in ("added", "removed")]
    signs = {"added": "+", "removed": "−"}
    words = [f"{signs[line.kind]} {line.text.strip()[:SUMMARY_CHARS]}" for line in changed[:SUMMARY_LINES]]
    return "; ".join([*words, "…"] if len(changed) > SUMMARY_LINES else words)


def _unified(before: str, after: str) -> Iterator[str]:
    # The library's first two lines name files.
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=CONTEXT_LINES)
    for number, line in enumerate(lines):
        if number >= 2:
            yield line
