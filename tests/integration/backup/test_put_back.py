"""Files from a copy come back to their place, whatever is there now, and nowhere that this host does not copy from."""

import asyncio
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from backup.history import History
from backup.messages import RestoreOrder, RestoreResult
from backup.plans import Plan
from backup.put_back import DRAFT, free_name, place_of, put_back
from backup.restic.commands import Repository
from backup.restic.run import find_restic
from backup.runner import Runner, Tools
from beket.kernel.clock import SystemClock
from beket.kernel.errors import Forbidden, InvalidArgument, NotFound
from beket.kernel.ids import SiteId
from beket.testing.restic import FIRST_FILE, BackupPlace, make_backup_place

pytestmark = [pytest.mark.needs("restic"), pytest.mark.timeout(180)]
REPORT = Path("бухгалтерія") / "звіт.ods"


class Office:
    """A host with one good copy."""

    def __init__(self, place: BackupPlace) -> None:
        self.place = place
        self.plan = Plan("documents", "Документи", SiteId("council"), (place.source,))
        self.repository = Repository(str(place.repository), place.password_file, host="council")
        self.snapshot = asyncio.run(self._copy())

    async def _copy(self) -> str:
        clock, history = SystemClock(), History(self.place.folder / "backup.db")
        restic = await find_restic("restic", clock=clock)
        tools = Tools(restic, self.repository, history, clock, random.Random(1), "boot", asyncio.Lock())
        outcome = await Runner(tools).run(self.plan)
        history.close()
        assert outcome.snapshot
        return outcome.snapshot.id

    def order(self, path: Path | str, *, replace: bool = False, size_bytes: int = 0) -> RestoreOrder:
        wanted = str(self.place.source / path) if not str(path).startswith("/") else str(path)
        return RestoreOrder(
            id="0190abcd-1", snapshot=self.snapshot, path=wanted, replace=replace, size_bytes=size_bytes
        )

    def put_back(self, order: RestoreOrder) -> RestoreResult:
        async def story() -> RestoreResult:
            clock = SystemClock()
            restic = await find_restic("restic", clock=clock)
            return await put_back(restic, self.repository, [self.plan], order, clock=clock)

        result = asyncio.run(story())
        assert not list(self.place.folder.rglob(f"{DRAFT}*"))
        return result


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return Office(make_backup_place(tmp_path_factory.mktemp("office")))


@pytest.fixture(autouse=True)
def _as_it_was(office: Office) -> Iterator[None]:
    """Each test leaves the source as the copy holds it."""
    before = office.place.folder / "before"
    if not before.exists():
        shutil.copytree(office.place.source, before)
    yield
    shutil.rmtree(office.place.source, ignore_errors=True)
    shutil.copytree(before, office.place.source)


def test_deleted_file_comes_back_under_its_own_name(office: Office) -> None:
    report = office.place.source / REPORT
    content, mtime_ns = report.read_bytes(), report.stat().st_mtime_ns
    report.unlink()
    result = office.put_back(office.order(REPORT))
    assert (result.outcome, result.placed) == ("ok", str(report))
    assert report.read_bytes() == content
    assert report.stat().st_mtime_ns == mtime_ns


def test_file_that_is_there_stays_and_the_old_one_comes_beside_it(office: Office) -> None:
    report = office.place.source / REPORT
    content = report.read_bytes()
    report.write_text("зіпсовано")
    for _ in range(2):
        result = office.put_back(office.order(REPORT))
        assert Path(result.placed).name.startswith("звіт (відновлено ")
        assert Path(result.placed).suffix == ".ods"
        assert Path(result.placed).read_bytes() == content
    assert report.read_text() == "зіпсовано"
    assert len(list(report.parent.iterdir())) == 3


def test_file_takes_the_place_of_the_present_one_which_stays_beside_it(office: Office) -> None:
    report = office.place.source / REPORT
    content = report.read_bytes()
    report.write_text("зіпсовано")
    result = office.put_back(office.order(REPORT, replace=True))
    assert result.placed == str(report)
    assert report.read_bytes() == content
    (before,) = [path for path in report.parent.iterdir() if path != report]
    assert before.name.startswith("звіт (було до відновлення ")
    assert before.read_text() == "зіпсовано"


def test_file_whose_folder_is_gone_comes_back_with_its_folder(office: Office) -> None:
    report = office.place.source / REPORT
    content = report.read_bytes()
    shutil.rmtree(report.parent)
    assert office.put_back(office.order(REPORT)).placed == str(report)
    assert report.read_bytes() == content


def test_whole_folder_and_a_difficult_name_come_back(office: Office) -> None:
    folder = office.place.source
    shutil.rmtree(folder / "бухгалтерія")
    (folder / FIRST_FILE).unlink()
    assert office.put_back(office.order("бухгалтерія")).outcome == "ok"
    assert office.put_back(office.order(FIRST_FILE)).outcome == "ok"
    assert (folder / REPORT).exists()
    assert (folder / FIRST_FILE).read_text() == "накладна\n"
    shutil.rmtree(folder)
    assert office.put_back(office.order(str(folder))).outcome == "ok"
    assert (folder / REPORT).exists()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/etc/cron.d/evil", "лише те, що сам копіює"),
        ("/", "лише те, що сам копіює"),
        ("{source}-інше/x", "лише те, що сам копіює"),
        ("{source}/../repository/config", "Такого шляху не буває"),
        ("{source}/./x", "Такого шляху не буває"),
        ("{source}/немає.txt", "такого немає"),
    ],
)
def test_nothing_is_put_where_this_host_does_not_copy_from(office: Office, path: str, words: str) -> None:
    result = office.put_back(office.order(path.format(source=office.place.source)))
    assert result.outcome == "failed"
    assert words in result.reason_uk
    assert result.placed == ""


def test_link_out_of_the_plan_is_not_followed(office: Office, tmp_path: Path) -> None:
    folder = office.place.source / "бухгалтерія"
    shutil.rmtree(folder)
    folder.symlink_to(tmp_path)
    result = office.put_back(office.order(REPORT))
    folder.unlink()
    assert "за межі" in result.reason_uk
    assert not list(tmp_path.iterdir())


def test_trouble_is_a_sentence_and_leaves_all_as_it_is(office: Office) -> None:
    report = office.place.source / REPORT
    order = office.order(REPORT, replace=True)
    assert "бракує місця" in office.put_back(msgspec.structs.replace(order, size_bytes=10**18)).reason_uk
    gone = office.put_back(msgspec.structs.replace(order, snapshot="0" * 64))
    assert gone.outcome != "ok"
    assert gone.reason_uk
    assert "Такого шляху не буває." in office.put_back(msgspec.structs.replace(order, snapshot="--help")).reason_uk
    assert report.exists()
    assert len(list(report.parent.iterdir())) == 1


def test_disk_that_is_away_is_not_made_up(office: Office, tmp_path: Path) -> None:
    plan = Plan("x", "Х", SiteId("council"), (tmp_path / "mnt" / "disk",))
    order = office.order(str(tmp_path / "mnt" / "disk" / "a"))
    with pytest.raises(NotFound):
        place_of(order, [plan])
    with pytest.raises(Forbidden):
        place_of(order, [])


def test_free_name_fits_and_ends(tmp_path: Path) -> None:
    long = tmp_path / ("ї" * 120 + ".ods")
    name = free_name(long, "відновлено 29.11.2026 14-35")
    assert len(name.name.encode()) <= 255
    assert name.suffix == ".ods"
    assert free_name(tmp_path / ".profile", "x").name == ".profile (x)"
    (tmp_path / "a.txt").touch()
    for _ in range(99):
        free_name(tmp_path / "a.txt", "x").touch()
    with pytest.raises(InvalidArgument):
        free_name(tmp_path / "a.txt", "x")
