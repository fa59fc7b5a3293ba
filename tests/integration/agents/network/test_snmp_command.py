import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.network.snmp.recording import load_recording
from beket.app.cli import main
from beket.kernel.secrets import Secret, write_secret_file
from beket.sim.snmp_agent import Mib
from beket.testing.process import free_udp_port
from beket.testing.recordings import recording, snmpsim
from beket.testing.snmp_responder import Turn, bindings_of, responder, switch
from beket.testing.source_tree import PROJECT

PAGE = PROJECT / "agents/network/modules/README.md"
COMMUNITY = "dolyna-read"


@pytest.fixture(scope="module")
def played() -> Iterator[str]:
    with snmpsim({COMMUNITY: recording("network/wifi/ubiquiti-m5")}) as address:
        yield address


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    write_secret_file(tmp_path / "snmp-club", Secret(COMMUNITY))
    return tmp_path / "snmp-club"


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines())


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def test_the_page_how_to_add_a_family_is_true(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (record,), (module,) = blocks("snmprec"), blocks("toml")
    (tmp_path / "klymat.snmprec").write_text(record)
    (tmp_path / "klymat.toml").write_text(module)
    assert main(["snmp", "try", str(tmp_path / "klymat.snmprec")]) == 1
    assert "Цього пристрою Бекет не знає" in said(capsys)
    assert main(["snmp", "try", str(tmp_path / "klymat.snmprec"), "--modules", str(tmp_path / "klymat.toml")]) == 0
    told = said(capsys)
    for shown in blocks("text"):
        assert shown.strip() in told


def test_a_row_with_a_long_index_is_a_part_and_one_that_no_label_could_hold_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (record,), (module,) = blocks("snmprec"), blocks("toml")
    (tmp_path / "klymat.toml").write_text(module)
    row = "1.3.6.1.4.1.32473.20.3.1.3"
    hello, long = "5.104.101.108.108.111", ".".join(["200"] * 20)
    lines = [line for line in record.splitlines() if not line.startswith("1.3.6.1.4.1.32473.20.3")]
    for rows, told_of in (([hello, long], f"#{hello} = 21"), ([long], "без назви CLIMATE-MIB::sensorTemperature")):
        (tmp_path / "klymat.snmprec").write_text("\n".join([*lines, *(f"{row}.{index}|2|210" for index in rows)]))
        main(["snmp", "try", str(tmp_path / "klymat.snmprec"), "--modules", str(tmp_path / "klymat.toml")])
        told = said(capsys)
        assert told.startswith("Номери рядків таблиці (1) задовгі для підпису або зіпсовані; ці рядки пропущено.")
        assert told_of in told


def test_a_device_is_tried_over_the_wire(played: str, secret: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["snmp", "try", played, "--secret", str(secret)]) == 0
    told = said(capsys)
    assert told.startswith("Впізнано: Ubiquiti airOS [ubiquiti-airos].")
    assert "є         UBNT-AirMAX-MIB::ubntWlStatSignal → radio_signal_dbm: patrikeevo = -64" in told
    assert "немає     UBNT-AirMAX-MIB::ubntHostTemperature" in told


def test_a_captured_device_is_the_same_device_without_what_concerns_nobody(
    played: str, secret: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "m5.snmprec"
    assert main(["snmp", "capture", played, str(file), "--secret", str(secret)]) == 0
    assert "Перегляньте файл" in said(capsys)
    kept, whole = load_recording(file), load_recording(recording("network/wifi/ubiquiti-m5"))
    assert len(whole.rows) * 0.7 < len(kept.rows) < len(whole.rows)
    text = file.read_text()
    # The radio's own address, the station's, its name.
    for private in ("0418d62a0a92", "687251003425", "104.114.81.0.52.37", "70617472696b6565766f5f736b6c", COMMUNITY):
        assert private not in text
    assert main(["snmp", "try", str(file)]) == 0
    assert "radio_signal_dbm: patrikeevo = -64" in said(capsys)


def test_an_existing_file_is_not_overwritten_and_a_silent_device_leaves_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.snmprec"
    assert main(["snmp", "capture", f"127.0.0.1:{free_udp_port()}", str(file)]) != 0
    assert not file.exists()
    file.write_text("mine")
    assert main(["snmp", "capture", "127.0.0.1:9", str(file)]) != 0
    assert file.read_text() == "mine"
    assert main(["snmp", "try", f"127.0.0.1:{free_udp_port()}"]) != 0
    assert capsys.readouterr().out


def loops(turn: Turn) -> list[bytes]:
    """Begins anew with its first row whenever it is asked."""
    honest = turn.honest
    if turn.number == 1:
        turn.memory["first"] = honest
        return [honest]
    return [turn.reply(bindings_of(turn.memory["first"]))]


def test_a_device_that_never_ends_is_captured_as_far_as_it_is_new(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "loop.snmprec"
    mib: Mib = switch(*range(1, 30))
    with responder(mib, loops) as address:
        assert main(["snmp", "capture", address, str(file)]) != 0
    assert "повторює" in said(capsys)
    assert len(load_recording(file).rows) > 5


def test_version_1_is_captured_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "v1.snmprec"
    with responder(switch(1, 2, 3), lambda turn: [turn.honest]) as address:
        assert main(["snmp", "capture", address, str(file), "--snmp", "v1"]) == 0
        counters = tmp_path / "v2.snmprec"
        assert main(["snmp", "capture", address, str(counters)]) == 0
    # v1 has no 64-bit counters: two columns of three ports fewer.
    assert len(load_recording(counters).rows) - len(load_recording(file).rows) == 6


def test_a_module_with_mistakes_is_told_with_all_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.toml").write_text('title = "x"\nsource = "y"\n[detect]\nprobes = ["1.two"]\n[[scalars]]\n')
    assert main(["snmp", "families", "--modules", str(tmp_path)]) != 0
    error = capsys.readouterr().err
    assert "scalars[0].metric" in error
    assert main(["snmp", "families"]) == 0
    assert "mikrotik" in said(capsys)


def test_the_secret_is_never_in_the_command_line(played: str, secret: Path) -> None:
    argv = [sys.executable, "-m", "beket", "snmp", "try", played, "--secret", str(secret)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "BEKET_LANG": "uk"})
    assert done.returncode == 0
    assert COMMUNITY not in " ".join(argv) + done.stdout + done.stderr
