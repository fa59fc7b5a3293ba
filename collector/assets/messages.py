"""Owns a computer's report as the centre reads it; agents write it by their own `agents.computers.report`.

Two releases of agents are served: unknown fields are ignored, missing ones take their defaults. What is longer than any
honest report is refused whole. Shared with the sender are only tests/fixtures/wire/<version>/computer-*.json.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from beket.kernel import wire

REPORT_MAX_BYTES = 2 * 1024 * 1024
SECTIONS = ("system", "hardware", "memory", "disks", "software", "licences", "updates")

Short = Annotated[str, Meta(max_length=200)]
Word = Annotated[str, Meta(max_length=40)]
Day = Annotated[str, Meta(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class OperatingSystem(msgspec.Struct, frozen=True, kw_only=True):
    """See `agents.computers.report.OperatingSystem`."""

    family: Word = ""
    name: Short = ""
    release: Word = ""
    edition: Short = ""
    bits: Count = 0
    installed_on: Day = ""


class Hardware(msgspec.Struct, frozen=True, kw_only=True):
    """See `agents.computers.report.Hardware`."""

    kind: Word = ""
    vendor: Short = ""
    model: Short = ""
    serial: Short = ""
    bios_on: Day = ""
    processor: Short = ""
    cores: Count = 0
    memory_bytes: Count = 0


class Module(msgspec.Struct, frozen=True, kw_only=True):
    """A stick of memory."""

    slot: Short = ""
    kind: Word = ""
    size_bytes: Count = 0


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """A built-in disk; `health` is "well", "failing" or "unknown"."""

    serial: Short = ""
    model: Short = ""
    kind: Word = ""
    size_bytes: Count = 0
    health: Word = "unknown"
    bad_sectors: Count = 0
    worked_years: Count = 0


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """An installed program."""

    name: Short
    version: Short = ""
    publisher: Short = ""


class Licence(msgspec.Struct, frozen=True, kw_only=True):
    """A product's licence; `state` is "licensed", "grace" or "unlicensed"."""

    product: Short
    channel: Word = ""
    last_five: Annotated[str, Meta(max_length=5)] = ""
    state: Word = ""


class Updates(msgspec.Struct, frozen=True, kw_only=True):
    """How fresh the system is."""

    newest_on: Day = ""
    needs_restart: bool = False


class ComputerReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a computer tells; `unread` names the sections that could not be read this time."""

    version: Annotated[int, Meta(ge=1)] = 1
    name: Short = ""
    system: OperatingSystem = OperatingSystem()
    hardware: Hardware = Hardware()
    memory: Annotated[tuple[Module, ...], Meta(max_length=256)] = ()
    disks: Annotated[tuple[Disk, ...], Meta(max_length=256)] = ()
    software: Annotated[tuple[Program, ...], Meta(max_length=5000)] = ()
    licences: Annotated[tuple[Licence, ...], Meta(max_length=256)] = ()
    updates: Updates = Updates()
    unread: Annotated[tuple[Word, ...], Meta(max_length=32)] = ()


class ReportReceipt(msgspec.Struct, frozen=True):
    """The answer: how many changes the centre saw since the report before."""

    changes: int


def read_report(body: bytes) -> ComputerReport:
    """The report in `body`.

    Raises:
        ProtocolError: it is none, or larger than any honest one.
    """
    return wire.decode(body, ComputerReport, max_bytes=REPORT_MAX_BYTES)


def completed(report: ComputerReport, before: ComputerReport | None) -> ComputerReport:
    """The report with each section that could not be read this time as it was read last."""
    if before is None:
        return report
    unread = [section for section in SECTIONS if section in report.unread]
    return msgspec.structs.replace(report, **{section: getattr(before, section) for section in unread})
