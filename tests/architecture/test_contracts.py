import pytest
from importlinter.cli import lint_imports

from beket.testing.source_tree import PROJECT


def test_every_import_keeps_the_contracts(capsys: pytest.CaptureFixture[str]) -> None:
    broken = lint_imports(config_filename=str(PROJECT / "pyproject.toml"), no_cache=True)
    assert not broken, capsys.readouterr().out
