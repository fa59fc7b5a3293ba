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


class Family(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file as it is written. `title` is what people call the family."""

    title: str
    shell: Manner = Manner()


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
    for place, pattern in patterns.items():
        try:
            re.compile(pattern)
        except re.error as error:
            yield Mistake(place, say("це не регулярний вираз: {why}.", "no regular expression: {why}.", why=error))
