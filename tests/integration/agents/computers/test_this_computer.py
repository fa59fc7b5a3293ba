"""A look at the very machine that runs the tests, with its real tools."""

import sys
import threading
from pathlib import Path

import msgspec
import psutil
import pytest

from agents.computers.linux import look_at_linux
from agents.computers.programs import RealPrograms
from agents.computers.report import Section
from beket.kernel.errors import NotFound, ProtocolError, TimedOut


def test_two_looks_at_this_computer_are_byte_equal_and_say_what_it_is() -> None:
    first, second = (msgspec.json.encode(look_at_linux(RealPrograms())) for _ in range(2))
    assert first == second
    report = look_at_linux(RealPrograms())
    assert report.system.family == "linux"
    assert report.system.name
    assert report.hardware.cores >= 1
    assert 0 <= report.hardware.memory_bytes - psutil.virtual_memory().total < 2**28
    assert report.software
    assert not {Section.SYSTEM, Section.SOFTWARE} & set(report.unread)
    assert len(first) < 1_000_000


class NothingHere:
    """A computer without any of the tools."""

    def ask(self, command: tuple[str, ...], *, timeout_s: float) -> object:
        raise NotFound("no program")


def test_without_tools_and_files_each_section_says_that_it_was_not_read(tmp_path: Path) -> None:
    report = look_at_linux(NothingHere(), root=tmp_path)  # type: ignore[arg-type]
    assert set(report.unread) == {
        Section.SYSTEM, Section.MEMORY, Section.DISKS, Section.SOFTWARE, Section.UPDATES
    }  # fmt: skip


def test_dmi_of_an_office_computer(tmp_path: Path) -> None:
    folder = tmp_path / "sys/class/dmi/id"
    folder.mkdir(parents=True)
    told = {"sys_vendor": "HP", "product_name": "ProDesk 400", "chassis_type": "6", "bios_date": "03/02/2018",
            "product_serial": "CZC1234\n"}  # fmt: skip
    for name, text in told.items():
        (folder / name).write_text(text)
    hardware = look_at_linux(NothingHere(), root=tmp_path).hardware  # type: ignore[arg-type]
    assert (hardware.vendor, hardware.model, hardware.kind) == ("HP", "ProDesk 400", "desktop")
    assert (hardware.bios_on, hardware.serial) == ("2018-03-02", "CZC1234")


def test_a_program_that_hangs_is_ended() -> None:
    before = threading.active_count()
    with pytest.raises(TimedOut):
        RealPrograms().ask((sys.executable, "-c", "import time; time.sleep(600)"), timeout_s=0.5)
    assert threading.active_count() == before


def test_a_program_that_talks_without_end_is_ended() -> None:
    with pytest.raises(ProtocolError):
        RealPrograms(output_max_bytes=1000).ask((sys.executable, "-c", "while True: print('x' * 999)"), timeout_s=60)


def test_a_program_that_is_not_there_and_one_that_fails() -> None:
    with pytest.raises(NotFound):
        RealPrograms().ask(("no-such-program",), timeout_s=1)
    said = RealPrograms().ask((sys.executable, "-c", "print('так'); raise SystemExit(4)"), timeout_s=60)
    assert (said.data.decode().strip(), said.exit_code) == ("так", 4)
