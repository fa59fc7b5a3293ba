"""Owns what follows from the judgement: whom to pass on, write off, what to buy, which parts to keep; with reasons.

A list is for the commission, which decides; the program only gathers and explains. Pure. A virtual machine is on none.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from beket.kernel.text import Text, say
from beket.kernel.units import GIB, spell_bytes
from collector.assets.messages import Module
from collector.assets.rule_files import Weight
from collector.assets.rules import Finding, Judge, has
from collector.assets.store import Computer


class ListKind(StrEnum):
    """The lists, as addresses and commands name them."""

    ALL = "all"
    REUSE = "reuse"
    WRITE_OFF = "write-off"
    PURCHASE = "purchase"
    PARTS = "parts"


LIST_WORDS: Mapping[ListKind, Text] = {
    ListKind.ALL: say("Усі комп’ютери", "All computers"),
    ListKind.REUSE: say("Передати закладам", "To pass on"),
    ListKind.WRITE_OFF: say("Списати", "To write off"),
    ListKind.PURCHASE: say("Купити", "To buy"),
    ListKind.PARTS: say("Запчастини", "Spare parts"),
}


class Fate(StrEnum):
    """What a computer is for from now on."""

    KEEP = "keep"
    REUSE = "reuse"
    WRITE_OFF = "write-off"


@dataclass(frozen=True, slots=True)
class Judged:
    """A computer with what was found and what follows.

    Attributes:
        place: where it stands, as people call it.
    """

    computer: Computer
    place: str
    findings: tuple[Finding, ...]
    fate: Fate

    @property
    def is_box(self) -> bool:
        """A thing that can be carried away."""
        return self.computer.report.hardware.kind != "virtual"

    @property
    def is_urgent(self) -> bool:
        """The law or the data are at risk."""
        return any(finding.weight is Weight.MUST for finding in self.findings)

    @property
    def is_modern(self) -> bool:
        """Whether it is fit for an office: kept, mended by its maker, with memory and a disk to work with."""
        lacking = ("system-ended", "memory-poor", "memory-low", "disk-failing", "disk-worn", "disk-slow", "gone")
        return self.fate is Fate.KEEP and not has(self.findings, *lacking)


@dataclass(frozen=True, slots=True)
class Purchase:
    """One thing to buy, for which computer and why."""

    what: Text
    judged: Judged
    reason: Text
    memory_kind: str = ""


@dataclass(frozen=True, slots=True)
class SparePart:
    """A part of a written-off computer that still serves; `fits` names a computer that needs one."""

    what: Text
    judged: Judged
    fits: str


def judge_all(
    computers: Iterable[Computer], judge: Judge, places: Callable[[Computer], str], wall_ns: int
) -> list[Judged]:
    """Every computer with its findings and its fate."""
    found = []
    for computer in computers:
        findings = tuple(judge.findings(computer, wall_ns))
        found.append(Judged(computer, places(computer), findings, fate_of(computer, findings)))
    return found


def fate_of(computer: Computer, findings: Sequence[Finding]) -> Fate:
    """Written off when worn out and unfit, or gone; passed on when it works but no longer for an office."""
    if computer.report.hardware.kind == "virtual":
        return Fate.KEEP
    unfit = has(findings, "system-ended", "memory-poor", "disk-failing") or computer.report.system.bits == 32
    if has(findings, "gone") or (has(findings, "worn-out") and unfit):
        return Fate.WRITE_OFF
    if has(findings, "memory-poor") and computer.report.system.bits == 32:
        return Fate.WRITE_OFF
    if has(findings, "worn-out") or (
        has(findings, "old") and has(findings, "system-ended", "memory-poor", "memory-low")
    ):
        return Fate.REUSE
    return Fate.KEEP


def purchases(all_judged: Sequence[Judged], judge: Judge) -> list[Purchase]:
    """What to buy: a computer for each workplace that loses its own, parts and licences for those that stay."""
    office_gib = judge.book.limits.memory_office_gib
    found: list[Purchase] = []
    for one in all_judged:
        if not one.is_box:
            continue
        if one.fate is Fate.WRITE_OFF:
            if not has(one.findings, "gone"):
                found.append(
                    Purchase(
                        say("комп’ютер", "a computer"), one, say("Замість того, що списується.", "For one written off.")
                    )
                )
            continue
        found += _parts_to_buy(one, office_gib)
    return found


def _parts_to_buy(one: Judged, office_gib: int) -> Iterable[Purchase]:
    report = one.computer.report
    if has(one.findings, "memory-poor", "memory-low"):
        kind = next((module.kind for module in report.memory if module.kind), "")
        what = say("пам’ять {kind} до {n} ГіБ", "memory {kind} up to {n} GiB", kind=kind or "?", n=office_gib)
        yield Purchase(what, one, _reason(one, "memory-poor", "memory-low"), memory_kind=kind)
    if has(one.findings, "disk-failing", "disk-worn", "disk-slow"):
        yield Purchase(
            say("диск SSD від 240 ГБ", "an SSD of 240 GB or more"), one,
            _reason(one, "disk-failing", "disk-worn", "disk-slow"),
        )  # fmt: skip
    for finding in one.findings:
        if finding.key == "unlicensed":
            yield Purchase(
                say("ліцензія або вільна заміна", "a licence, or a free program instead"), one, finding.reason
            )
    if one.fate is Fate.KEEP and has(one.findings, "system-ended"):
        what = say("нова система (або безплатний Linux)", "a newer system (or Linux, free)")
        yield Purchase(what, one, _reason(one, "system-ended"))


def spare_parts(all_judged: Sequence[Judged], wanted: Sequence[Purchase], judge: Judge) -> list[SparePart]:
    """Memory and healthy disks of what is written off, each with a computer that it would help."""
    needing = {
        kind: [one.judged for one in wanted if one.memory_kind == kind] for kind in {p.memory_kind for p in wanted}
    }
    disk_needing = [one.judged for one in wanted if one.what.en.startswith("an SSD")]
    found: list[SparePart] = []
    for donor in all_judged:
        if donor.fate is Fate.WRITE_OFF and donor.is_box:
            found += _memory_of(donor, needing)
            found += _disks_of(donor, disk_needing, judge.book.limits.spare_disk_gb)
    return found


def _memory_of(donor: Judged, needing: Mapping[str, list[Judged]]) -> Iterable[SparePart]:
    for module in donor.computer.report.memory:
        fits = _next_of(needing.get(module.kind, [])) if module.kind else ""
        yield SparePart(_module_words(module), donor, fits)


def _disks_of(donor: Judged, needing: list[Judged], least_gb: int) -> Iterable[SparePart]:
    for disk in donor.computer.report.disks:
        if disk.health == "well" and not disk.bad_sectors and disk.size_bytes >= least_gb * 10**9:
            size = spell_bytes(disk.size_bytes)
            what = say("диск {disk}, {size}", "disk {disk}, {size}", disk=disk.model or disk.kind, size=size)
            yield SparePart(what, donor, _next_of(needing) if disk.kind == "ssd" else "")


def table(kind: ListKind, all_judged: Sequence[Judged], judge: Judge) -> list[list[str]]:
    """The list as rows of Ukrainian text for a spreadsheet, a header first."""
    if kind is ListKind.PURCHASE:
        header = ["№", "Що", "Кількість", "Місце", "Для комп’ютера", "Причина", "Ціна, грн"]
        bought = purchases(all_judged, judge)
        rows = [[p.what.uk, "1", p.judged.place, p.judged.computer.name, p.reason.uk, ""] for p in bought]
    elif kind is ListKind.PARTS:
        header = ["№", "Що", "З комп’ютера", "Місце", "Кому підійде"]
        parts = spare_parts(all_judged, purchases(all_judged, judge), judge)
        rows = [[p.what.uk, p.judged.computer.name, p.judged.place, p.fits] for p in parts]
    else:
        header = [
            "№", "Місце", "Комп’ютер", "Інвентарний №", "Модель", "Серійний №", "Рік", "Процесор", "Пам’ять", "Диски",
            "Система", "Причини", "Що далі",
        ]  # fmt: skip
        rows = [_row(one) for one in chosen(kind, all_judged)]
    return [header, *([str(number), *row] for number, row in enumerate(rows, start=1))]


def chosen(kind: ListKind, all_judged: Iterable[Judged]) -> list[Judged]:
    """The computers of a list of computers."""
    fates = {ListKind.REUSE: Fate.REUSE, ListKind.WRITE_OFF: Fate.WRITE_OFF}
    wanted = fates.get(kind)
    return [one for one in all_judged if wanted is None or (one.is_box and one.fate is wanted)]


FATE_WORDS: Mapping[Fate, Text] = {
    Fate.KEEP: say("працює далі", "stays at work"),
    Fate.REUSE: say(
        "передати закладу, якому досить простішого; перед тим стерти диск",
        "pass on where less is enough; wipe the disk first",
    ),
    Fate.WRITE_OFF: say(
        "подати комісії на списання; зберегти придатні частини, стерти диск",
        "to the commission for writing off; keep the parts, wipe the disk",
    ),
}


def _row(one: Judged) -> list[str]:
    report = one.computer.report
    box = report.hardware
    disks = "; ".join(f"{disk.model or disk.kind} {spell_bytes(disk.size_bytes)}".strip() for disk in report.disks)
    return [
        one.place,
        one.computer.name,
        "",
        " ".join(part for part in (box.vendor, box.model) if part),
        box.serial,
        box.bios_on[:4],
        box.processor,
        spell_bytes(box.memory_bytes) if box.memory_bytes else "",
        disks,
        report.system.name,
        " ".join(finding.reason.uk for finding in one.findings),
        FATE_WORDS[one.fate].uk,
    ]


def _reason(one: Judged, *keys: str) -> Text:
    return next(finding.reason for finding in one.findings if finding.key in keys)


def _module_words(module: Module) -> Text:
    size = spell_bytes(module.size_bytes) if module.size_bytes >= GIB // 4 else "?"
    return say("пам’ять {kind} {size}", "memory {kind} {size}", kind=module.kind or "?", size=size)


def _next_of(waiting: list[Judged]) -> str:
    """The next computer that waits for such a part; it waits no more."""
    return waiting.pop(0).computer.name if waiting else ""
