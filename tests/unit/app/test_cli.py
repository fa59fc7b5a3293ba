"""The `beket` command: each subcommand explains itself, and a failure leaves as one sentence and an exit code."""

import importlib
import types

import pytest

from beket.app import cli
from beket.kernel.errors import HANDLING, Busy, Kind
from beket.kernel.text import say


@pytest.mark.parametrize("language", ["uk", "en"])
@pytest.mark.parametrize("name", [command.name for command in cli.COMMANDS])
def test_command_explains_itself_in_both_languages(
    name: str, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BEKET_LANG", language)
    with pytest.raises(SystemExit) as leaving:
        cli.main([name, "--help"])
    shown = capsys.readouterr().out
    assert leaving.value.code == 0
    assert shown.startswith("Виклик:" if language == "uk" else "Usage:")
    assert "None" not in shown


def test_command_without_a_name_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    shown = capsys.readouterr().out
    assert all(command.name in shown for command in cli.COMMANDS)


def test_error_leaves_as_one_sentence_with_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_arguments: object) -> int:
        raise Busy(
            say("Порт зайнятий.", "The port is taken."), subject="listen.port", hint=say("Змініть.", "Change it.")
        )

    stand_in = types.SimpleNamespace(add_arguments=lambda _parser, _language: None, run=fail)
    monkeypatch.setattr(importlib, "import_module", lambda _name: stand_in)
    assert cli.main(["doctor"]) == HANDLING[Kind.BUSY].exit_code
    assert capsys.readouterr().err == "listen.port: Порт зайнятий. Змініть.\n"
