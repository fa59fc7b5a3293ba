"""Owns how a family of gear is spoken to and asked for facts: one TOML file a family; data, not code.

Every mistake of a file is told at once, as for configuration.
"""

import importlib.resources
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from beket.kernel import config
from beket.kernel.config import ConfigMistakes, Mistake
from beket.kernel.errors import NotFound
from beket.kernel.text import say

_Regex = Annotated[str, msgspec.Meta(max_length=500)]


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that the device may ask before its prompt, and the answer."""

    ask: _Regex
    answer: str


class Enable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the privileged level is reached; only where the prompt does not already match `proof`."""

    command: str
    proof: _Regex
    ask: _Regex = "(?i)password: ?"


class Manner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the family's command line behaves.

    Attributes:
        mode: `exec`: each command in a channel of its own, without a terminal; `shell`: one interactive shell.
        prompt: the whole last line when the device waits for a command.
        pager: the whole last line when it waits for a key to show more; "" when it never does.
        prepare: commands that turn paging and wrapping off; a refusal of one is no failure.
        leave: what to type at the end.
    """

    mode: Literal["exec", "shell"] = "shell"
    prompt: _Regex = r"[^\s#>$%][^#>$%]{0,80}[#>$%] ?"
    newline: Literal["\n", "\r", "\r\n"] = "\n"
    pager: _Regex = ""
    pager_answer: str = " "
    questions: tuple[Question, ...] = ()
    enable: Enable | None = None
    prepare: tuple[str, ...] = ()
    leave: tuple[str, ...] = ("exit",)


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text that the device says of itself: the group `value` in a line of the answer; it never becomes a label."""

    fact: Literal["version", "model", "serial", "name", "board", "processor", "cores", "memory", "kernel"]
    command: str
    pattern: _Regex


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number in a line of the answer: the group `value`, times `scale`.

    Attributes:
        kind: how it is spelt; `seen`: 1 where the group is there, else 0.
        total: finds the whole that the value is a share of; `is_free`: the value is what is left of it.
        part_label: the label that tells rows apart, named by the group `part`; "" for the first line alone.
    """

    metric: str
    command: str
    pattern: _Regex
    kind: Literal["number", "duration", "size", "seen"] = "number"
    scale: float = 1.0
    total: _Regex = ""
    is_free: bool = False
    part_label: Literal["", "part", "port"] = ""


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file as it is written. `title` is what people call the family."""

    title: str
    shell: Manner = Manner()
    facts: tuple[Fact, ...] = ()
    measures: tuple[Measure, ...] = ()


def load_family(path: Path) -> Family:
    """Read one family.

    Raises:
        ConfigMistakes: the file cannot be read or has mistakes; all of them are listed.
    """
    family = config.load(path, Family)
    mistakes = list(_mistakes(family))
    if mistakes:
        raise ConfigMistakes(path, mistakes)
    return family


def shipped_families() -> dict[str, Family]:
    """The families that come with Beket, by name."""
    folder = importlib.resources.files("agents.hosts") / "families"
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
        say("Немає сімейства «{name}»; є: {known}.", "No family “{name}”; there are: {known}.", name=name, known=known)
    )


def _mistakes(family: Family) -> Iterator[Mistake]:
    shell = family.shell
    patterns = {"shell.prompt": shell.prompt, "shell.pager": shell.pager}
    patterns |= {f"shell.questions[{i}].ask": question.ask for i, question in enumerate(shell.questions)}
    if shell.enable:
        patterns |= {"shell.enable.ask": shell.enable.ask, "shell.enable.proof": shell.enable.proof}
    groups: dict[str, set[str]] = {}
    for i, fact in enumerate(family.facts):
        patterns[f"facts[{i}].pattern"] = fact.pattern
        groups[f"facts[{i}].pattern"] = {"value"}
    for i, measure in enumerate(family.measures):
        place = f"measures[{i}]"
        patterns[f"{place}.pattern"] = measure.pattern
        groups[f"{place}.pattern"] = {"value", "part"} if measure.part_label else {"value"}
        if measure.total:
            patterns[f"{place}.total"] = measure.total
            groups[f"{place}.total"] = {"value"}
    for place, pattern in patterns.items():
        try:
            lacking = groups.get(place, set()) - set(re.compile(pattern).groupindex)
        except re.error as error:
            yield Mistake(place, say("це не регулярний вираз: {why}.", "no regular expression: {why}.", why=error))
            continue
        for group in sorted(lacking):
            yield Mistake(place, say("тут потрібна група «{group}».", "it needs a group “{group}”.", group=group))
