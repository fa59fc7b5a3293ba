"""The files of the centre and of the agent: the example is the defaults, and rules over several keys are said."""

from pathlib import Path

import msgspec
import pytest

from backup.config import BackupConfig, PlanConfig
from beket.app.config import AgentConfig, CentreConfig
from beket.kernel.config import ConfigMistakes, example, load, spell

KINDS = pytest.mark.parametrize("kind", [AgentConfig, CentreConfig])


@KINDS
def test_example_means_the_same_as_an_empty_file(kind: type[msgspec.Struct], tmp_path: Path) -> None:
    (tmp_path / "example.toml").write_text(example(kind))
    (tmp_path / "empty.toml").touch()
    assert load(tmp_path / "example.toml", kind) == load(tmp_path / "empty.toml", kind) == kind()


@KINDS
def test_every_key_of_the_example_is_explained(kind: type[msgspec.Struct]) -> None:
    lines = example(kind).splitlines()
    keys = [number for number, line in enumerate(lines) if "=" in line and not line.startswith("#")]
    assert keys
    assert not [lines[number] for number in keys if not lines[number - 1].startswith("# ")]


def test_what_is_in_force_is_spelt_as_a_file_that_says_the_same(tmp_path: Path) -> None:
    config = CentreConfig(data=tmp_path / "data", keys=tmp_path / "keys")
    (tmp_path / "centre.toml").write_text(spell(config))
    assert load(tmp_path / "centre.toml", CentreConfig) == config


def test_plans_are_spelt_as_they_are_read(tmp_path: Path) -> None:
    plans = (
        PlanConfig(id="documents", name='Документи "ради"', paths=(Path("/srv/a"), Path("/srv/b")), every_hours=1),
        PlanConfig(id="mail", name="Пошта", paths=(Path("/srv/mail"),), excludes=("*.tmp",)),
    )
    config = AgentConfig(backup=BackupConfig(plans=plans))
    (tmp_path / "agent.toml").write_text(spell(config))
    assert load(tmp_path / "agent.toml", AgentConfig) == config


def test_keys_inside_the_data_that_is_backed_up_are_refused(tmp_path: Path) -> None:
    (tmp_path / "centre.toml").write_text(f'data = "{tmp_path}"\nkeys = "{tmp_path}/keys"\n')
    with pytest.raises(ConfigMistakes, match="keys cannot lie inside data"):
        load(tmp_path / "centre.toml", CentreConfig)


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ('[community]\nid = "Моя громада"', "community"),
        ("[agents]\nnames = []", "agents"),
        ("[pages]\nport = 70000", "pages.port"),
    ],
)
def test_wrong_value_is_named_with_its_place(words: str, place: str, tmp_path: Path) -> None:
    (tmp_path / "centre.toml").write_text(words)
    with pytest.raises(ConfigMistakes) as caught:
        load(tmp_path / "centre.toml", CentreConfig)
    assert [mistake.place for mistake in caught.value.mistakes] == [place]
