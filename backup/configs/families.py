"""Owns what must be known of a family of gear to copy its configuration: one TOML file a family; data, not code.

Which commands show it, how a whole answer looks, which lines change by themselves, where secrets stand. Every mistake
of a file is told at once.
"""

import importlib.resources
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

import msgspec

from beket.kernel import config
from beket.kernel.config import ConfigMistakes, Mistake
from beket.kernel.errors import NotFound
from beket.kernel.text import say

_Regex = Annotated[str, msgspec.Meta(max_length=1000)]


class WithSecret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line that has no use without a secret: `line` finds it, `secret` finds the secret in it.

    Attributes:
        within: only in sections whose head this finds; "" everywhere.
    """

    line: _Regex
    secret: _Regex
    within: _Regex = ""


class Both(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words for people in both languages."""

    uk: str = ""
    en: str = ""


class Whole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a whole configuration looks.

    Attributes:
        begins: found in one of its first twenty lines; "" when there is nothing to find.
        ends: the whole of its last line that is not empty; "" when any will do.
        broken: found in any line, it is no configuration: a refusal, a pager, a time-out inside.
        expects_secret: lines of which, where there are any, one at least must show its secret: else the device keeps
            them from this login, and what comes would restore a device without its passwords.
        hidden: how a person lets the login see them.
    """

    begins: _Regex = ""
    ends: _Regex = ""
    broken: tuple[_Regex, ...] = ()
    min_lines: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    expects_secret: tuple[WithSecret, ...] = ()
    hidden: Both = Both()


class SecretPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where secrets stand: `pattern` has the group `secret`.

    Attributes:
        within: only in sections whose head this finds; "" everywhere.
    """

    pattern: _Regex
    within: _Regex = ""


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something read beside the configuration: `pattern`'s group `value` in the answer to `command`.

    Without a command it is looked for in the configuration as the device printed it.
    """

    pattern: _Regex
    command: str = ""


class FamilyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file as it is written.

    Attributes:
        configuration: commands that show it; the first whose answer `refused` does not find is the one.
        joined: what a wrapped line ends with and the next begins with; "" when lines are never wrapped.
        section: a line that heads a section.
        noise: lines that are dropped before comparing.
        quiet: parts of lines that are replaced by `…` before comparing.
        sorted_lines: the order of lines says nothing, and changes.
        secrets: what is masked.
        who: who changed it last; `version`: what the device runs.
    """

    title: str
    configuration: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    refused: _Regex
    whole: Whole = Whole()
    joined: _Regex = ""
    section: _Regex = ""
    noise: tuple[_Regex, ...] = ()
    quiet: tuple[_Regex, ...] = ()
    sorted_lines: bool = False
    secrets: tuple[SecretPlace, ...] = ()
    who: Asked | None = None
    version: Asked | None = None


@dataclass(frozen=True)
class Family:
    """A checked family with its patterns ready."""

    name: str
    file: FamilyFile

    @cached_property
    def refused(self) -> re.Pattern[str]:
        """Finds a refusal in an answer."""
        return re.compile(self.file.refused, re.MULTILINE)

    @cached_property
    def noise(self) -> tuple[re.Pattern[str], ...]:
        """Each matches a whole line that is dropped."""
        return tuple(re.compile(pattern) for pattern in self.file.noise)

    @cached_property
    def quiet(self) -> tuple[re.Pattern[str], ...]:
        """Each finds a part of a line that says nothing."""
        return tuple(re.compile(pattern) for pattern in self.file.quiet)

    @cached_property
    def broken(self) -> tuple[re.Pattern[str], ...]:
        """Each finds what no configuration holds."""
        return tuple(re.compile(pattern) for pattern in self.file.whole.broken)

    @cached_property
    def expects_secret(self) -> tuple[tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]], ...]:
        """Section's head, line, and the secret in it."""
        return tuple(
            (re.compile(one.within), re.compile(one.line), re.compile(one.secret))
            for one in self.file.whole.expects_secret
        )

    @cached_property
    def secrets(self) -> tuple[tuple[re.Pattern[str], re.Pattern[str] | None], ...]:
        """Where secrets stand, and the section's head it needs."""
        return tuple(
            (re.compile(place.pattern), re.compile(place.within) if place.within else None)
            for place in self.file.secrets
        )


def load_family(path: Path) -> Family:
    """Read one family.

    Raises:
        ConfigMistakes: the file cannot be read or has mistakes; all of them are listed.
    """
    file = config.load(path, FamilyFile)
    mistakes = list(_mistakes(file))
    if mistakes:
        raise ConfigMistakes(path, mistakes)
    return Family(path.stem, file)


def shipped_families() -> dict[str, Family]:
    """The families that come with Beket, by name."""
    folder = importlib.resources.files("backup.configs") / "families"
    with importlib.resources.as_file(folder) as path:
        return {file.stem: load_family(file) for file in sorted(path.glob("*.toml"))}


def family_named(families: dict[str, Family], name: str) -> Family:
    """The family called `name`.

    Raises:
        NotFound: there is none; the sentence names those that there are.
    """
    if name in families:
        return families[name]
    known = ", ".join(families)
    raise NotFound(
        say(
            "Для сімейства «{name}» не описано, як копіювати налаштування; є: {known}.",
            "How to copy the configuration of “{name}” is not described; there are: {known}.",
            name=name,
            known=known,
        )
    )


def _mistakes(file: FamilyFile) -> Iterator[Mistake]:
    patterns = {
        "refused": file.refused,
        "joined": file.joined,
        "section": file.section,
        "whole.begins": file.whole.begins,
        "whole.ends": file.whole.ends,
    }
    for name, many in (("noise", file.noise), ("quiet", file.quiet), ("whole.broken", file.whole.broken)):
        patterns |= {f"{name}[{i}]": pattern for i, pattern in enumerate(many)}
    for i, one in enumerate(file.whole.expects_secret):
        where = f"whole.expects_secret[{i}]"
        patterns |= {f"{where}.line": one.line, f"{where}.secret": one.secret, f"{where}.within": one.within}
    needed: dict[str, tuple[str, str]] = {}
    for i, place in enumerate(file.secrets):
        needed[f"secrets[{i}].pattern"] = (place.pattern, "secret")
        patterns[f"secrets[{i}].within"] = place.within
    for name, asked in (("who", file.who), ("version", file.version)):
        if asked:
            needed[f"{name}.pattern"] = (asked.pattern, "value")
    for where, pattern in (patterns | {name: pattern for name, (pattern, _) in needed.items()}).items():
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            yield Mistake(where, say("це не регулярний вираз: {why}.", "no regular expression: {why}.", why=error))
            continue
        if where in needed and needed[where][1] not in compiled.groupindex:
            yield Mistake(
                where, say("тут потрібна група «{group}».", "it needs a group “{group}”.", group=needed[where][1])
            )
