"""Owns what is done to the text of a configuration: is it whole, what in it is noise, what must not be seen. Pure.

What a device printed is kept as it came, sealed. What is compared and shown is this text without noise and with marks
in place of secrets: a mark shows that a secret changed, and tells nothing else.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

from backup.configs.families import Family
from beket.kernel.errors import ProtocolError
from beket.kernel.text import Text, say

TEXT_MAX_BYTES = 1024 * 1024
LINES_MAX = 20_000
LINE_MATCHED_CHARS = 4000
BEGINS_WITHIN_LINES = 20
MARK_CHARS = 6
# A new copy that is smaller than this share of the last one is read a second time before it is believed.
SHRUNK_RATIO = 0.6


class NotWhole(ProtocolError):
    """What the device printed is not its whole configuration; it is never kept as a copy."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Puts marks in place of secrets. The key stays where the device is read: without it a mark cannot be tried."""

    key: bytes

    def mark(self, device: str, before: str, secret: str) -> str:
        """What stands instead of `secret`; equal secrets in different places have different marks."""
        message = f"{device}\0{before}\0{secret}".encode("utf-8", "surrogatepass")
        return "•••" + hmac.new(self.key, message, hashlib.sha256).hexdigest()[:MARK_CHARS]


def check_whole(text: str, family: Family, *, device: str) -> None:
    """Return if `text` can be a whole configuration.

    Raises:
        NotWhole: it is a refusal, was cut, has a pager in it, or is too short; the sentence says which.
    """
    reason = _why_not_whole(text, family)
    if reason is not None:
        raise NotWhole(reason, subject=device)


def comparable(text: str, family: Family) -> str:
    """The text without what changes by itself: an unchanged device gives an unchanged text."""
    if family.file.joined:
        text = re.sub(family.file.joined, "", text)
    kept = []
    for line in text.splitlines():
        bounded = line[:LINE_MATCHED_CHARS]
        if any(pattern.fullmatch(bounded) for pattern in family.noise):
            continue
        for pattern in family.quiet:
            line = pattern.sub("…", line)
        kept.append(line.rstrip())
    if family.file.sorted_lines:
        kept.sort()
    return "\n".join(kept).strip("\n") + "\n"


def masked(text: str, family: Family, *, device: str, marks: Marks) -> str:
    """A comparable text with a mark in place of every secret."""
    head = ""
    lines = []
    is_head = re.compile(family.file.section).search if family.file.section else None
    for line in text.splitlines():
        if is_head is not None and is_head(line[:LINE_MATCHED_CHARS]):
            head = line
        lines.append(_masked_line(line, head, family, device, marks))
    return "\n".join(lines) + "\n"


def has_shrunk(text: str, before: str) -> bool:
    """Whether `text` is so much shorter than the last one that it should be read again."""
    return len(text) < SHRUNK_RATIO * len(before)


def _masked_line(line: str, head: str, family: Family, device: str, marks: Marks) -> str:
    for pattern, within in family.secrets:
        if within is not None and not within.search(head[:LINE_MATCHED_CHARS]):
            continue
        done = []
        at = 0
        for found in pattern.finditer(line):
            start, end = found.span("secret")
            if start < at or start == end or line[start:end].startswith("•••"):
                continue
            done += [line[at:start], marks.mark(device, line[:start], line[start:end])]
            at = end
        line = "".join(done) + line[at:]
    return line


def _why_not_whole(text: str, family: Family) -> Text | None:
    whole = family.file.whole
    lines = text.splitlines()
    filled = [line for line in lines if line.strip()]
    if family.refused.search(text[: 64 * 1024]):
        return say("Пристрій відмовився показати налаштування.", "The device refused to show its configuration.")
    if len(filled) < whole.min_lines:
        return say(
            "Замість налаштувань прийшло лише рядків: {n}.", "Only {n} lines came for a configuration.", n=len(filled)
        )
    if len(lines) > LINES_MAX:
        return say("Налаштування надто довгі.", "The configuration is too long.")
    if "\0" in text or filled[-1].endswith("\\"):
        return say("Налаштування обірвано посередині.", "The configuration breaks off in the middle.")
    for line in lines:
        if any(pattern.search(line[:LINE_MATCHED_CHARS]) for pattern in family.broken):
            return say(
                "Серед налаштувань є чуже: «{line}».", "Among the configuration stands “{line}”.", line=line[:80]
            )
    if whole.begins and not any(re.search(whole.begins, line) for line in lines[:BEGINS_WITHIN_LINES]):
        return say("Це не схоже на початок налаштувань.", "This is not how a configuration begins.")
    if whole.ends and not re.fullmatch(whole.ends, filled[-1].strip()):
        return say("Налаштування не дочитано до кінця.", "The configuration was not read to its end.")
    if _hides_secrets(text, family):
        return say(
            "Пристрій не показав жодного пароля: цьому логіну їх не видно, тож з такої копії його не відновити. {hint}",
            "The device showed no password: this login may not see them, so no such copy restores it. {hint}",
            hint=Text(whole.hidden.uk, whole.hidden.en),
        )
    return None


def _hides_secrets(text: str, family: Family) -> bool:
    """Whether lines stand there that have no use without a secret, and not one of them shows it."""
    head, lacking = "", False
    is_head = re.compile(family.file.section).search if family.file.section else None
    for line in comparable(text, family).splitlines() if family.expects_secret else ():
        bounded = line[:LINE_MATCHED_CHARS]
        if is_head is not None and is_head(bounded):
            head = bounded
        for within, expected, secret in family.expects_secret:
            if within.search(head) and expected.search(bounded):
                if secret.search(bounded):
                    return False
                lacking = True
    return lacking
