"""Recordings written by hand after Microsoft's documentation; see tests/fixtures/computers/README.md."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.computers.report import ComputerReport, Health, LicenceState, Section
from agents.computers.windows import SCRIPT, command, look_at_windows
from agents.computers.windows_output import parse_windows, spell_date, spell_disk_serial

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "computers"
GIB = 1024**3


def recording(name: str) -> bytes:
    return (RECORDINGS / f"windows-{name}.jsonl").read_bytes()


def encoded(report: ComputerReport) -> bytes:
    return msgspec.json.encode(report)


def test_an_old_computer_of_the_accountant() -> None:
    report = parse_windows(recording("7"))
    assert (report.name, report.system.family, report.system.release) == ("BUH-2", "windows", "6.1.7601")
    assert (report.system.bits, report.system.installed_on) == (32, "2011-09-14")
    assert (report.hardware.kind, report.hardware.vendor, report.hardware.serial) == ("desktop", "", "")
    assert (report.hardware.memory_bytes, report.hardware.bios_on) == (2 * GIB, "2010-07-12")
    assert [module.kind for module in report.memory] == ["DDR2", "DDR2"]
    assert [(disk.serial, disk.health) for disk in report.disks] == [("WD-WCC3P0N12981", Health.FAILING)]
    assert [program.name for program in report.software].count("Google Chrome") == 1
    states = {licence.last_five: (licence.state, licence.channel) for licence in report.licences}
    assert states == {"8HXWM": (LicenceState.UNLICENSED, "OEM_COA"), "CPQVF": (LicenceState.LICENSED, "VOLUME_MAK")}
    assert report.updates.newest_on == "2020-01-15"
    assert report.unread == ()


def test_a_windows_in_ukrainian_is_understood_by_what_is_the_same_in_every_language() -> None:
    report = parse_windows(recording("10-uk"))
    assert (report.system.edition, report.system.bits) == ("Professional", 64)
    assert (report.hardware.vendor, report.hardware.model, report.hardware.cores) == ("Dell Inc.", "OptiPlex 3070", 4)
    assert [(disk.kind, disk.health) for disk in report.disks] == [("ssd", Health.WELL)]
    assert report.updates.newest_on == "2025-10-15"
    assert report.updates.needs_restart
    kms = next(licence for licence in report.licences if licence.channel == "VOLUME_KMSCLIENT")
    assert kms.state is LicenceState.GRACE


def test_a_new_notebook() -> None:
    report = parse_windows(recording("11"))
    assert (report.hardware.kind, report.hardware.memory_bytes) == ("laptop", 16 * GIB)
    assert report.disks[0].serial == "0025_38B1_3140_9F21."


def test_empty_and_broken_values_are_no_values_and_failed_sections_are_named() -> None:
    report = parse_windows(recording("broken"))
    assert set(report.unread) == {Section.HARDWARE, Section.SOFTWARE}
    assert (report.system.installed_on, report.hardware.bios_on, report.hardware.serial) == ("", "", "")
    assert (report.memory, report.disks, report.updates.newest_on) == ((), (), "")
    assert [licence.last_five for licence in report.licences] == ["EEEEE"]
    assert b"DDDDD" not in encoded(report)


def test_an_answer_that_was_cut_reads_as_nothing_missing_for_sure() -> None:
    lines = recording("10-uk").splitlines(keepends=True)
    assert set(parse_windows(b"".join(lines[:-1])).unread) == set(Section)
    assert set(parse_windows(b"".join(lines[:5]) + b'{"sec' + b"".join(lines[6:])).unread) == set(Section)
    assert set(parse_windows(b"").unread) == set(Section)


@given(st.permutations(recording("7").splitlines(keepends=True)))
def test_the_order_of_the_answers_changes_nothing(lines: list[bytes]) -> None:
    assert encoded(parse_windows(b"".join(lines))) == encoded(parse_windows(recording("7")))


@given(st.binary(max_size=400), st.integers(0, 3000), st.sampled_from(["7", "10-uk", "11", "broken"]))
def test_hostile_bytes_become_a_report_and_nothing_else(noise: bytes, at: int, name: str) -> None:
    data = recording(name)
    report = parse_windows(data[:at] + noise + data[at + len(noise) :])
    assert len(encoded(report)) < 100_000


_FIELDS = sorted({field for name in ("7", "11") for line in recording(name).splitlines() for field in json.loads(line)})


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "section": st.sampled_from(
                    ["os", "system", "memory", "disk", "program", "licence", "hotfix", "end", "?"]
                )
            },
            optional={field: st.text(max_size=30) for field in _FIELDS if field != "section"},
        ),
        max_size=8,
    )
)
def test_any_words_in_any_field_become_a_report(records: list[dict[str, str]]) -> None:
    data = "\n".join(json.dumps(record) for record in records).encode()
    again = msgspec.json.decode(encoded(parse_windows(data)), type=ComputerReport)
    assert again == parse_windows(data)


@given(st.text(max_size=50))
def test_any_text_is_a_date_or_none(text: str) -> None:
    assert spell_date(text) == "" or len(spell_date(text)) == 10
    spell_disk_serial(text)


@pytest.mark.parametrize("text", ["99999999999999.000000+000", "2/30/2020", "0.0.0000", "ffffffffffffffff", "1601"])
def test_impossible_dates_are_none(text: str) -> None:
    assert spell_date(text) == ""


def test_the_script_keeps_its_promises() -> None:
    text = SCRIPT.read_text("ascii")  # PowerShell 2.0 would take other letters for the system's code page
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for forbidden in (
        "Win32_Product'",
        "Win32_Product ",
        "ConvertTo-Json",
        "Get-CimInstance",
        "HKCU",
        "HKEY_USERS",
        "LogonSession",
    ):
        assert forbidden not in code
    assert "PartialProductKey" in code
    assert not [word for word in ("Set-", "Remove-", "New-Item", "Invoke-WebRequest", "Start-") if word in code]


def test_every_section_of_the_recordings_is_one_that_the_script_says() -> None:
    text = SCRIPT.read_text()
    for name in ("7", "10-uk", "11", "broken"):
        for line in recording(name).splitlines():
            assert f"'{json.loads(line)['section']}'" in text


class Recorded:
    """Answers every question with one recording."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: tuple[str, ...] = ()

    def ask(self, command: tuple[str, ...], *, timeout_s: float) -> "Recorded":
        self.asked = command
        return self


def test_powershell_is_asked_once_and_by_a_short_command_line() -> None:
    programs = Recorded(recording("11"))
    assert look_at_windows(programs).name == "DEPUTY"  # type: ignore[arg-type]
    assert programs.asked[0] == "powershell.exe"
    assert len(" ".join(command(SCRIPT))) < 2000
