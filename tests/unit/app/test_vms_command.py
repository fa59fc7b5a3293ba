"""`beket vms` as a person at the machine uses it: over a site's own folder, with its own key."""

import random
import sqlite3
import time
from pathlib import Path

import pytest

from agents.cameras.maintenance import in_maintenance
from beket.access.agent_key import AgentKey, Enrolled, save_enrolled
from beket.app import cli
from beket.app.commands.vms import camera_of, pace_of, place_of, spell_place
from beket.app.terminal import Bar, bar_text
from beket.app.wiring.agent_side import AgentFiles
from beket.app.wiring.recordings import open_recordings
from beket.kernel.clock import SimulatedClock, SystemClock
from beket.kernel.errors import HANDLING, InvalidArgument, Kind
from beket.kernel.ids import AgentId, CameraId, CommunityId, SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapReason
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from vms.config import RecordingsConfig
from vms.recordings.findings import Place
from vms.recordings.sealing import Sealer
from vms.recordings.writer import Recorder

GATE = CameraId("gate")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site's folder with five segments, sealed; its configuration is `agent.toml`."""
    monkeypatch.setenv("BEKET_LANG", "uk")
    files = AgentFiles(tmp_path / "data")
    key = AgentKey.load_or_create(files.key)
    enrolled = Enrolled(
        agent=AgentId("school-1"),
        site=SiteId("school"),
        community=CommunityId("dobrianka"),
        centre_url="https://127.0.0.1:1",
        pin="pin",
        community_key=key.public,
    )
    save_enrolled(files.enrolled, enrolled)
    (tmp_path / "agent.toml").write_text(
        f'data = "{tmp_path / "data"}"\n[recordings]\nfolder = "{tmp_path / "video"}"\n'
    )
    config = RecordingsConfig(folder=tmp_path / "video")
    with open_recordings(
        config, database=tmp_path / "data/video.db", community=enrolled.community, site=enrolled.site
    ) as store:
        recorder = Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school"))
        recorder.start_run(GATE, made_up_stream(), start_90k=DAY_90K)
        recorder.write(GATE, made_up_fragments(random.Random(1), start_90k=DAY_90K, seconds=90))
        recorder.end_run(GATE, reason=GapReason.LINK)
        assert recorder.close()
        assert Sealer(store, key, clock=SimulatedClock()).seal_all() == 1
    return tmp_path


def vms(site: Path, *arguments: str) -> int:
    return cli.main(["vms", "--config", str(site / "agent.toml"), "--agent", *arguments])


def test_check_names_each_fault_in_a_sentence_and_says_so_by_its_code(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert vms(site, "check") == 0
    assert capsys.readouterr().out == "Усі записи цілі: 5.\n"
    files = sorted((site / "video/gate").rglob("*.mp4"))
    content = files[1].read_bytes()
    files[1].write_bytes(content[:-9] + b"\x00" + content[-8:])
    files[3].unlink()
    (site / "data/identity/agent.key").unlink()  # another machine's key: the seal is a stranger's
    assert vms(site, "check", "--rate", "1000") == HANDLING[Kind.DATA_LOSS].exit_code
    out, error = capsys.readouterr()
    names = [str(file.relative_to(site / "video")) for file in files]
    assert out.splitlines() == [
        f"{names[1]}: вміст файла змінився: контрольна сума не збігається.",
        f"{names[3]}: файла немає, хоча він є в переліку.",
        "beket.ledger/gate#1: печатку поставлено чужим ключем.",
    ]
    assert "Знайдено пошкоджень: 3." in error
    assert vms(site, "check", "--quick", "--camera", "yard") == 0
    assert vms(site, "check", "--quick", "--from", "gate/20261126") == HANDLING[Kind.DATA_LOSS].exit_code


def test_a_lost_index_is_made_anew_and_the_old_one_is_kept(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = site / "data/video.db"
    with sqlite3.connect(database) as before:
        rows = before.execute("SELECT * FROM segments").fetchall()
        before.execute("DELETE FROM segments")
        # Somebody has it open: whatever he wrote would be lost.
        assert vms(site, "rebuild") == HANDLING[Kind.BUSY].exit_code
    before.close()
    database.write_bytes(database.read_bytes()[:4096] + b"damage" * 1000)
    (site / "video/gate/20261125/00/stranger.mp4").write_bytes(b"?")
    assert vms(site, "rebuild", "--rate", "1000") == 0
    out, _ = capsys.readouterr()
    assert out.splitlines() == [
        "gate/20261125/00/stranger.mp4: файл є на диску, але його немає в переліку.",
        "Перелік складено: 5 записів (за печатками 5, прочитано 0). Старий перелік збережено поруч.",
        "Заборон стирання поруч із записами немає, а стару базу не прочитати. Якщо були, поставте їх знову.",
        "Не взято до переліку: 1; файли лишилися.",
    ]
    with sqlite3.connect(database) as after:
        assert after.execute("SELECT * FROM segments").fetchall() == rows
    after.close()
    (kept,) = (site / "data").glob("video.db.lost-*[0-9]")
    assert kept.read_bytes().endswith(b"damage")
    (site / "video/gate/20261125/00/stranger.mp4").unlink()
    assert vms(site, "check") == 0


def test_a_stopped_check_says_how_to_go_on(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Bar, "show", stop)
    assert vms(site, "check") == 130
    assert capsys.readouterr().out == "Спинено. Далі: --from gate/20261125\n"


def test_places_and_cameras_are_read_as_they_are_spelled() -> None:
    place = place_of("gate/20261125")
    assert place == Place(GATE, DAY_90K)
    assert spell_place(Place(GATE, DAY_90K + 90_000 * 7)) == "gate/20261125"
    assert place_of("gate") == Place(GATE)
    assert spell_place(place_of(None)) == ""
    assert camera_of(None) is None
    for wrong in ("gate/", "gate/2026", "../20261125", "gate/20261301"):
        with pytest.raises(InvalidArgument):
            place_of(wrong)
    with pytest.raises(InvalidArgument):
        camera_of("../x")


def test_a_rate_holds_the_reading_back_by_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    monkeypatch.setattr(time, "sleep", slept.append)
    wait = pace_of(2)
    wait(3_000_000)
    pace_of(None)(1 << 40)
    assert slept == [1.5]
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(InvalidArgument):
            pace_of(wrong)


def test_the_bar_knows_when_it_ends_and_never_divides_by_nothing() -> None:
    assert bar_text(0, 0, 0).uk == "[....................]   0 % · 0 Б з 0 Б · 0.0 МБ/с · ще 0:00:00"
    assert bar_text(10, 5, 1).uk.startswith("[####################] 100 %")
    assert "ще 1:00:00" in bar_text(1_000_000, 3_601_000_000, 1).uk


def test_forecast_says_for_how_long_there_is_room_and_what_each_camera_takes(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert vms(site, "forecast") == 0
    assert capsys.readouterr().out.splitlines() == ["Ще нічого не записано.", "Під забороною стирати: 0 Б."]


def test_people_at_work_say_so_at_the_site_and_take_it_back(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark = AgentFiles(site / "data").maintenance
    assert vms(site, "maintenance", "--minutes", "40") == 0
    assert "Планові роботи: 40 хвилин." in capsys.readouterr().out
    assert in_maintenance(mark, clock=SystemClock())
    assert vms(site, "maintenance", "--minutes", "0") == 0
    assert not in_maintenance(mark, clock=SystemClock())
    assert vms(site, "maintenance", "--minutes", "100000") == HANDLING[Kind.INVALID_ARGUMENT].exit_code


def test_a_centre_has_no_cameras_to_work_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["vms", "--config", str(tmp_path / "centre.toml"), "maintenance", "--minutes", "5"]
    assert cli.main(arguments) == HANDLING[Kind.INVALID_ARGUMENT].exit_code
    assert "beket vms --agent" in capsys.readouterr().err


def test_disks_are_told_with_what_they_hold_and_why_one_is_not_used(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert vms(site, "disks") == 0
    told = capsys.readouterr().out
    assert f"✔ {site / 'video'}: 5 записів" in told
    assert "вільно" in told
    file = site / "agent.toml"
    file.write_text(file.read_text() + f'more_folders = ["{site / "second"}"]\n')
    assert vms(site, "disks") == 69
    told = capsys.readouterr().out
    assert f"✗ {site / 'second'}: Дві теки із записами лежать на одному диску" in told
    assert f"✔ {site / 'video'}" in told
