"""The set-up of a checkout: locks cover what pyproject asks for, and what is in the way is one sentence."""

import re
import tomllib
from pathlib import Path

import pytest

from beket.app import bootstrap

PROJECT = tomllib.loads((bootstrap.ROOT / "pyproject.toml").read_text())["project"]


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~; ]", requirement)[0].lower() for requirement in requirements} - {"beket"}


def _locked(extra: str) -> dict[str, str]:
    """Each locked package with the text of its entry."""
    entries = re.split(r"\n(?=\S)", (bootstrap.LOCKS / f"{extra}.txt").read_text())
    return {entry.split("==")[0].lower(): entry for entry in entries if "==" in entry}


@pytest.mark.parametrize("extra", ["site", "centre", "demo", "test"])
def test_lock_holds_every_requirement_of_its_extra_with_hashes(extra: str) -> None:
    locked = _locked(extra)
    asked = _names(PROJECT["dependencies"]) | _names(PROJECT["optional-dependencies"][extra])
    assert asked <= set(locked)
    assert "setuptools" in locked, "installing ourselves must not download anything outside the lock"
    assert all("--hash=sha256:" in entry for entry in locked.values())


def test_test_lock_contains_the_demo_lock_so_that_one_venv_serves_both() -> None:
    demo, test = _locked("demo"), _locked("test")
    assert {name: test.get(name) for name in demo} == demo


def test_bootstrap_refuses_an_unknown_set_with_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.main(["everything"]) == 1
    assert "demo|test" in capsys.readouterr().err


def test_bootstrap_says_which_python_it_needs_when_the_machine_has_an_older_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (99, 0))
    assert bootstrap.main(["demo"]) == 1
    assert "Потрібен Python 3.11" in capsys.readouterr().err


def test_bootstrap_names_the_command_when_a_program_is_missing_and_nobody_is_root(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bootstrap, "TEST_PROGRAMS", {str(tmp_path / "absent"): "some-package"})
    monkeypatch.setattr(bootstrap, "_is_debian_root", lambda: False)
    assert "sudo apt install some-package" in bootstrap._have_programs()


def test_bootstrap_does_nothing_when_the_stamp_matches_the_lock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    (tmp_path / ".beket-test").write_text(bootstrap._fingerprint("test"))
    # With a stamp nothing is run: a pip call here would fail, since this folder is no venv.
    assert bootstrap._have_packages("test") == ""
    assert bootstrap._have_packages("demo") == ""
