"""Each ready-made source copied by the real restic: what it is for comes back and opens, the rest stays out."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from backup.config import BackupConfig, PlanConfig
from backup.restic import commands
from backup.restic.outcome import OutcomeKind
from backup.runner import Runner, Tools
from backup.sources.presets import PRESETS
from beket.app.wiring.backup import plans_of
from beket.kernel.ids import SiteId
from tests.integration.backup.test_held_footage import tools as tools

pytestmark = [pytest.mark.needs("restic"), pytest.mark.timeout(300)]

SOURCES = {
    "beket": (
        ["centre.toml", "data/access.db", "data/facts.db", "data/video.db"],
        ["keys/community.key", "keys/gear.key", "data/spool-polling/1", "data/access.db.before-2"],
    ),
    "shares": (["Бюджет/кошторис 2026.ods", "фото.jpg"], ["Бюджет/~$кошторис.docx", "Thumbs.db", "$RECYCLE.BIN/x"]),
    "mail": (
        ["cur/1700000000.M1P1.mail:2,S", "пошта.pst", "global-messages-db.sqlite"],
        ["dovecot.index.cache", "INBOX.msf", "parent.lock"],
    ),
}


def _fill(folder: Path, names: list[str]) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith((".db", ".sqlite")):
            connection = sqlite3.connect(file)
            connection.execute("create table t (n)")
            connection.execute("insert into t values (1)")
            connection.commit()
            connection.close()
        else:
            file.write_text(name)


def test_every_ready_made_source_is_tried_here_or_beside() -> None:
    assert set(PRESETS) == {"", "held", *SOURCES}


@pytest.mark.parametrize("preset", SOURCES)
def test_source_is_copied_and_comes_back_without_what_is_never_worth_it(
    tools: Tools, tmp_path: Path, preset: str
) -> None:
    saved, left_out = SOURCES[preset]
    source = tmp_path / "source"
    _fill(source, [*saved, *left_out])
    planned = PlanConfig(id=preset, name=preset, preset=preset, paths=(source,))  # type: ignore[arg-type]
    (plan,) = plans_of(BackupConfig(plans=(planned,)), SiteId("council-mohyliv"), tmp_path / "data")

    async def story() -> Path:
        outcome = await Runner(tools).run(plan)
        assert outcome.kind is OutcomeKind.OK, outcome.reason.uk
        assert outcome.snapshot is not None
        await tools.restic.run(commands.restore(tools.repository, outcome.snapshot.id, tmp_path / "back"))
        return tmp_path / "back" / source.relative_to("/")

    back = asyncio.run(story())
    whole = {path.name: path for path in (tmp_path / "back").rglob("*") if path.is_file()}
    for name in saved:
        if name.endswith((".db", ".sqlite")):  # the whole copy, not the file that is being written
            connection = sqlite3.connect(whole[Path(name).name])
            assert connection.execute("select n from t").fetchall() == [(1,)]
            connection.close()
        else:
            assert (back / name).read_text() == name
    assert not [name for name in left_out if (back / name).exists()]
