"""Owns the look at a Linux computer: files of the kernel, psutil, lsblk, smartctl and dpkg. Blocking, read-only.

Each section by itself: what cannot be read is named in `unread` and costs nothing else. As root it learns serial
numbers, SMART and the sticks of memory; without, it does not.
"""

import contextlib
import datetime
import platform
from pathlib import Path

import psutil

from agents.computers.linux_output import (
    CHASSIS_KINDS,
    VIRTUAL_MAKERS,
    parse_dpkg,
    parse_lsblk,
    parse_module,
    parse_os_release,
    spell_bios_date,
    with_smart,
)
from agents.computers.programs import Programs
from agents.computers.report import (
    ComputerReport,
    Disk,
    Hardware,
    Module,
    OperatingSystem,
    Program,
    Section,
    Updates,
    real,
    stepped_memory,
    tidy,
    whole_number,
)
from beket.kernel.errors import BeketError, NotFound

FILE_MAX_BYTES = 64 * 1024
ASK_S = 60.0
SMART_S = 20.0
MODULES_MAX = 64


def look_at_linux(programs: Programs, *, root: Path = Path("/")) -> ComputerReport:
    """What this computer is made of and what is installed."""
    look = _Look(programs, root)
    return ComputerReport(
        name=tidy(platform.node()),
        system=look.system(),
        hardware=look.hardware(),
        memory=look.memory(),
        disks=look.disks(),
        software=look.software(),
        updates=look.updates(),
        unread=tuple(look.unread),
    ).in_order()


class _Look:
    def __init__(self, programs: Programs, root: Path) -> None:
        self._programs = programs
        self._root = root
        self.unread: list[str] = []

    def system(self) -> OperatingSystem:
        said = parse_os_release(self._text("etc/os-release"))
        if not said:
            self.unread.append(Section.SYSTEM)
        return OperatingSystem(
            family="linux",
            name=said.get("PRETTY_NAME", ""),
            release=said.get("VERSION_ID", ""),
            edition=said.get("ID", ""),
            bits=64 if platform.machine() in ("x86_64", "aarch64", "riscv64", "ppc64le") else 32,
        )

    def hardware(self) -> Hardware:
        vendor, model = self._dmi("sys_vendor"), self._dmi("product_name")
        kind = CHASSIS_KINDS.get(whole_number(self._dmi("chassis_type")), "")
        if VIRTUAL_MAKERS.search(f"{vendor} {model}") or "hypervisor" in self._text("proc/cpuinfo"):
            kind = "virtual"
        return Hardware(
            kind=kind,
            vendor=vendor,
            model=model,
            serial=self._dmi("product_serial"),
            bios_on=spell_bios_date(self._dmi("bios_date")),
            processor=self._processor(),
            cores=psutil.cpu_count(logical=False) or psutil.cpu_count() or 0,
            memory_bytes=stepped_memory(psutil.virtual_memory().total),
        )

    def memory(self) -> tuple[Module, ...]:
        folders = sorted((self._root / "sys/firmware/dmi/entries").glob("17-*"))[:MODULES_MAX]
        modules = (parse_module(self._bytes(folder / "raw")) for folder in folders)
        found = tuple(module for module in modules if module)
        if not found:
            self.unread.append(Section.MEMORY)
        return found

    def disks(self) -> tuple[Disk, ...]:
        columns = "NAME,MODEL,SERIAL,SIZE,ROTA,TYPE,TRAN,RM"
        try:
            said = self._programs.ask(("lsblk", "--json", "--bytes", "--nodeps", "--output", columns), timeout_s=ASK_S)
            return tuple(self._asked(name, disk) for name, disk in parse_lsblk(said.data))
        except BeketError:
            self.unread.append(Section.DISKS)
            return ()

    def software(self) -> tuple[Program, ...]:
        wanted = "${db:Status-Abbrev}\\t${Package}\\t${Version}\\n"
        try:
            said = self._programs.ask(("dpkg-query", "--show", "--showformat", wanted), timeout_s=ASK_S)
            return tuple(parse_dpkg(said.data, self._asked_for()))
        except BeketError:
            self.unread.append(Section.SOFTWARE)
            return ()

    def updates(self) -> Updates:
        status = self._root / "var/lib/dpkg/status"
        newest = ""
        with contextlib.suppress(OSError):
            changed = datetime.datetime.fromtimestamp(status.stat().st_mtime, datetime.UTC)
            newest = changed.date().isoformat()
        if not newest:
            self.unread.append(Section.UPDATES)
        return Updates(newest_on=newest, needs_restart=(self._root / "var/run/reboot-required").exists())

    def _asked(self, name: str, disk: Disk) -> Disk:
        try:
            said = self._programs.ask(("smartctl", "--json", "-i", "-H", "-A", f"/dev/{name}"), timeout_s=SMART_S)
            return with_smart(disk, said.data)
        except BeketError:
            return disk  # no smartctl, no right to ask, or a disk that has nothing to say: not judged

    def _asked_for(self) -> frozenset[str] | None:
        try:
            said = self._programs.ask(("apt-mark", "showmanual"), timeout_s=ASK_S)
        except NotFound:
            return None
        names = frozenset(line.partition(":")[0] for line in said.data.decode("utf-8", "replace").split())
        return names or None

    def _processor(self) -> str:
        for line in self._text("proc/cpuinfo").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("model name", "Model", "Hardware"):
                return tidy(value)
        return tidy(platform.machine())

    def _dmi(self, name: str) -> str:
        return real(self._text(f"sys/class/dmi/id/{name}"))

    def _text(self, place: str) -> str:
        return self._bytes(self._root / place).decode("utf-8", "replace")

    def _bytes(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                return file.read(FILE_MAX_BYTES)
        except OSError:
            return b""
