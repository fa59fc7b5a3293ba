"""Owns the invented computers of the training community: what each would answer to its agent's questions. No I/O.

Three desks: one worn out, with a dying disk and forbidden software; one short of memory; one slow and old. Names of
programs and makers are real, keys and serial numbers are not.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from beket.kernel.ids import SiteId

GIB = 1024**3
Record = tuple[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class SimulatedComputer:
    """A computer; `bios_on` is YYYYMMDD, `memory` (sticks, GiB of each, number of its kind in SMBIOS)."""

    name: str
    site: SiteId
    caption: str
    release: str
    model: tuple[str, str]
    serial: str
    bios_on: str
    processor: str
    memory: tuple[int, int, int]
    disk: tuple[str, int, str]
    disk_is_ssd: bool
    disk_fails: bool
    is_licensed: bool
    last_five: str
    updated_on: str
    programs: Sequence[tuple[str, str, str]]

    def recording(self) -> bytes:
        """Its answers as the script of a computer's agent writes them: a JSON object a line."""
        lines = (json.dumps({"section": section, **values}, ensure_ascii=False) for section, values in self._records())
        return ("\n".join(lines) + "\n").encode()

    def _records(self) -> Iterator[Record]:
        yield (
            "os",
            {"Caption": self.caption, "Version": self.release, "OSArchitecture": "64-розрядна", "ProductType": "1"},
        )
        vendor, model = self.model
        yield "system", {"Name": self.name, "Manufacturer": vendor, "Model": model}
        yield "enclosure", {"ChassisTypes": "3"}
        yield "bios", {"SerialNumber": self.serial, "ReleaseDate": f"{self.bios_on}000000.000000+000"}
        yield "processor", {"Name": self.processor, "NumberOfCores": "4"}
        sticks, size_gib, kind = self.memory
        for slot in range(sticks):
            yield "memory", {
                "Capacity": str(size_gib * GIB), "DeviceLocator": f"DIMM{slot}", "SMBIOSMemoryType": str(kind)
            }  # fmt: skip
        name, size_gb, serial = self.disk
        yield "disk", {
            "Index": "0", "Model": name, "SerialNumber": serial, "Size": str(size_gb * 10**9), "InterfaceType": "IDE",
            "MediaType": "Fixed hard disk media", "PNPDeviceID": f"SCSI\\{serial}",
        }  # fmt: skip
        health, media = "2" if self.disk_fails else "0", "4" if self.disk_is_ssd else "3"
        yield "physical", {"DeviceId": "0", "MediaType": media, "BusType": "11", "HealthStatus": health}
        yield "licence", {
            "Name": "Windows(R), Professional edition", "Description": "OEM_DM channel",
            "LicenseStatus": "1" if self.is_licensed else "5", "PartialProductKey": self.last_five,
        }  # fmt: skip
        yield "hotfix", {"HotFixID": "KB5000001", "InstalledOn": self.updated_on}
        for program, version, publisher in self.programs:
            yield "program", {"DisplayName": program, "DisplayVersion": version, "Publisher": publisher}
        yield "edition", {"EditionID": "Professional", "NeedsRestart": "False"}
        yield "end", {}


COMPUTERS = (
    SimulatedComputer(
        name="BUH-1",
        site=SiteId("council-mohyliv"),
        caption="Microsoft Windows 7 Професійна",
        release="6.1.7601",
        model=("Gigabyte", "H61M-S1"),
        serial="Default string",
        bios_on="20121108",
        processor="Intel(R) Core(TM) i3-2120 CPU @ 3.30GHz",
        memory=(2, 2, 24),
        disk=("WDC WD5000AAKX", 500, "WD-NAVCH0001"),
        disk_is_ssd=False,
        disk_fails=True,
        is_licensed=False,
        last_five="8HXWM",
        updated_on="1/15/2020",
        programs=(
            ("1С:Предприятие 8.2", "8.2.19.130", "1C"),
            ("M.E.Doc", "11.02.045", "Лінкос Груп"),
            ("LibreOffice 7.0.4.2", "7.0.4.2", "The Document Foundation"),
        ),
    ),
    SimulatedComputer(
        name="CNAP-1",
        site=SiteId("council-mohyliv"),
        caption="Майкрософт Windows 11 Pro",
        release="10.0.26200",
        model=("Dell Inc.", "OptiPlex 3090"),
        serial="NAVCH02",
        bios_on="20220314",
        processor="Intel(R) Core(TM) i5-10505 CPU @ 3.20GHz",
        memory=(1, 4, 26),
        disk=("KINGSTON SA400S37240G", 240, "NAVCH0002"),
        disk_is_ssd=True,
        disk_fails=False,
        is_licensed=True,
        last_five="T83GX",
        updated_on="11/12/2026",
        programs=(("Mozilla Firefox (x64 uk)", "145.0", "Mozilla"), ("IIT User CA-1", "1.3.1", "АТ «ІІТ»")),
    ),
    SimulatedComputer(
        name="SCHOOL-1",
        site=SiteId("school-tsybulkivka"),
        caption="Microsoft Windows 10 Pro",
        release="10.0.19045",
        model=("HP", "ProDesk 400 G5"),
        serial="NAVCH03",
        bios_on="20181020",
        processor="Intel(R) Core(TM) i3-8100 CPU @ 3.60GHz",
        memory=(1, 8, 26),
        disk=("TOSHIBA DT01ACA100", 1000, "NAVCH0003"),
        disk_is_ssd=False,
        disk_fails=False,
        is_licensed=True,
        last_five="3V66T",
        updated_on="10/15/2025",
        programs=(("LibreOffice 24.8.2.1", "24.8.2.1", "The Document Foundation"), ("GCompris", "4.2", "KDE")),
    ),
)
