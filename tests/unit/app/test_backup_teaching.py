"""`beket backup VERB --help` teaches each verb in both languages, and its example is a real one."""

import argparse
from pathlib import Path

import pytest

from beket.app.commands import backup
from beket.app.commands.backup_teaching import EXAMPLE, LESSONS
from beket.app.config import AgentConfig
from beket.kernel.config import load
from beket.kernel.text import Language


def _verbs(language: Language) -> dict[str, argparse.ArgumentParser]:
    parser = argparse.ArgumentParser()
    backup.add_arguments(parser, language)
    (verbs,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(verbs.choices)


@pytest.mark.parametrize("language", ["uk", "en"])
def test_each_verb_has_its_lesson_with_a_line_to_try(language: Language) -> None:
    verbs = _verbs(language)
    assert not set(verbs) - set(LESSONS)
    for verb, parser in verbs.items():
        text = " ".join(parser.format_help().split())
        assert LESSONS[verb].to(language)[:40] in text
        assert f"beket backup {verb}" in text.replace("- ", "-")


def test_examples_name_only_what_the_parser_takes() -> None:
    parser = argparse.ArgumentParser()
    backup.add_arguments(parser, "uk")
    for verb in _verbs("uk"):
        line = LESSONS[verb].uk.rpartition("beket backup ")[2].partition(" >> ")[0]
        parsed = parser.parse_args(line.split())
        assert parsed.verb == verb


def test_example_of_a_plan_is_a_plan(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text(EXAMPLE)
    (plan,) = load(tmp_path / "agent.toml", AgentConfig).backup.plans
    assert (plan.id, plan.preset, plan.every_hours) == ("documents", "shares", 24)
