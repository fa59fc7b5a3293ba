"""README's commands are the ones that exist."""

import re
import shlex
import subprocess

import pytest

from beket.app import bootstrap, cli

README = (bootstrap.ROOT / "README.md").read_text()
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
COMMANDS = [line.partition(" >")[0] for line in SHELL.splitlines() if line.startswith("beket ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_of_the_readme_is_understood(command: str) -> None:
    words = shlex.split(command, comments=True)[1:]
    named = next(one for one in cli.COMMANDS if one.name == words[0])
    assert cli._parser(named, "uk").parse_args(words).command == words[0]


def test_readme_names_commands_at_all() -> None:
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("target", sorted(set(re.findall(r"make(?: -s)? ([a-z]+)", README))))
def test_make_target_of_the_readme_exists(target: str) -> None:
    listed = subprocess.run(
        ["make", "-C", str(bootstrap.ROOT), "-n", target, "NAME=capture"], capture_output=True, check=False
    )
    assert listed.returncode == 0
