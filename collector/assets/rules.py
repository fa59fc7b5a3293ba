"""Owns the judgement of a computer: each finding has a key, a weight and a sentence that says why. Pure.

What a computer did not tell is no finding. Data: `rule_files`. Virtual machines are judged by their software alone.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from beket.kernel.clock import NS_PER_S, utc
from beket.kernel.text import Text, counted, say
from beket.kernel.units import GIB, spell_bytes
from collector.assets.messages import ComputerReport, Disk
from collector.assets.rule_files import RuleBook, Weight, Words
from collector.assets.store import Computer

DAY_S = 86_400
PROHIBITED_NAMED_MAX = 20
_ORDER = {Weight.MUST: 0, Weight.SHOULD: 1, Weight.NOTE: 2}
RULE_WORDS: Mapping[str, Text] = {
    "prohibited": say("заборонені програми", "prohibited software"),
    "unlicensed": say("немає ліцензії", "no licence"),
    "disk-failing": say("диск відмовляє", "the disk fails"),
    "system-ended": say("система без оновлень", "the system is mended no more"),
    "disk-worn": say("диск псується", "the disk wears out"),
    "memory-poor": say("замало пам’яті", "too little memory"),
    "memory-low": say("мало пам’яті", "little memory"),
    "disk-slow": say("повільний диск", "slow disk"),
    "worn-out": say("дуже старий", "very old"),
    "old": say("старий", "old"),
    "system-ending": say("оновлення скоро скінчаться", "updates end soon"),
    "updates-late": say("давно не оновлювався", "not updated for long"),
    "silent": say("мовчить", "silent"),
    "gone": say("зник", "gone"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is not well with a computer, and why."""

    key: str
    weight: Weight
    reason: Text


class Judge:
    """Applies one book of rules. Thread-safe."""

    def __init__(self, book: RuleBook) -> None:
        self.book = book
        self._words = Words(book.prohibited)

    def findings(self, computer: Computer, wall_ns: int) -> list[Finding]:
        """What is not well with it now, heaviest first."""
        report, today = computer.report, utc(wall_ns).date()
        found = [
            *self._software(report),
            *self._system(report, today),
            *([] if report.hardware.kind == "virtual" else self._hardware(report, today)),
            *self._silence(computer, wall_ns),
        ]
        made = [Finding(key, self.book.weights.get(key, Weight.NOTE), reason) for key, reason in found]
        return sorted(made, key=lambda finding: _ORDER[finding.weight])

    def _software(self, report: ComputerReport) -> Iterable[tuple[str, Text]]:
        named = 0
        for program in report.software:
            row = self._words.look_up(program)
            if row is not None and named < PROHIBITED_NAMED_MAX:
                named += 1
                yield "prohibited", say(
                    "Програма «{program}» заборонена: {source}. Її треба вилучити.",
                    "The program “{program}” is prohibited: {source}. It must be removed.",
                    program=program.name, source=row.source,
                )  # fmt: skip
        for licence in report.licences:
            if licence.state == "unlicensed":
                yield "unlicensed", say(
                    "Ліцензія не діє: {product} (…{last}).", "No licence in force: {product} (…{last}).",
                    product=licence.product, last=licence.last_five or "?????",
                )  # fmt: skip

    def _system(self, report: ComputerReport, today: datetime.date) -> Iterable[tuple[str, Text]]:
        row, limits = self.book.system_of(report.system), self.book.limits
        if row is not None and row.ends_on < today:
            yield "system-ended", say(
                "{name}: виробник не виправляє вразливостей з {day}.",
                "{name}: its maker has mended nothing since {day}.",
                name=row.name, day=_day(row.ends_on),
            )  # fmt: skip
        elif row is not None and (row.ends_on - today).days <= limits.system_warning_days:
            yield "system-ending", say(
                "{name}: оновлення скінчаться {day}.", "{name}: updates end on {day}.",
                name=row.name, day=_day(row.ends_on),
            )  # fmt: skip
        newest = _date(report.updates.newest_on)
        if newest is not None and (today - newest).days > limits.updates_late_days:
            yield (
                "updates-late",
                say(
                    "Останнє оновлення встановлено {day}.", "The last update was installed on {day}.", day=_day(newest)
                ),
            )

    def _hardware(self, report: ComputerReport, today: datetime.date) -> Iterable[tuple[str, Text]]:
        limits = self.book.limits
        for disk in report.disks:
            yield from self._disk(disk)
        memory = report.hardware.memory_bytes
        if 0 < memory < limits.memory_office_gib * GIB:
            key = "memory-poor" if memory < limits.memory_poor_gib * GIB else "memory-low"
            yield key, say(
                "Пам’яті {size}, для роботи потрібно щонайменше {least}.",
                "Memory: {size}; work needs {least} at least.",
                size=spell_bytes(memory), least=spell_bytes(limits.memory_office_gib * GIB),
            )  # fmt: skip
        if report.disks and all(disk.kind == "hdd" for disk in report.disks):
            yield "disk-slow", say("Немає SSD: система на повільному диску.", "No SSD: the system is on a slow disk.")
        years = age_years(report, today)
        if years is not None and years >= limits.old_years:
            key = "worn-out" if years >= limits.worn_out_years else "old"
            words = counted(years, "рік", "роки", "років")
            yield key, say("Комп’ютеру близько {words}.", "The computer is about {n} years old.", words=words, n=years)

    def _disk(self, disk: Disk) -> Iterable[tuple[str, Text]]:
        name = disk.model or disk.serial or "?"
        if disk.health == "failing":
            yield (
                "disk-failing",
                say("Диск {disk} за SMART скоро відмовить.", "The disk {disk} will fail soon by its SMART.", disk=name),
            )
        elif disk.bad_sectors >= self.book.limits.bad_sectors:
            sectors = counted(disk.bad_sectors, "зіпсований сектор", "зіпсовані сектори", "зіпсованих секторів")
            yield "disk-worn", say(
                "На диску {disk} {sectors}.", "The disk {disk} has {n} bad sectors.",
                disk=name, sectors=sectors, n=disk.bad_sectors,
            )  # fmt: skip

    def _silence(self, computer: Computer, wall_ns: int) -> Iterable[tuple[str, Text]]:
        days = (wall_ns - computer.heard_wall_ns) // (DAY_S * NS_PER_S)
        if days >= self.book.limits.silent_days:
            key = "gone" if days >= self.book.limits.gone_days else "silent"
            yield (
                key,
                say("Востаннє було чути {day}.", "Last heard on {day}.", day=_day(utc(computer.heard_wall_ns).date())),
            )


def age_years(report: ComputerReport, today: datetime.date) -> int | None:
    """Whole years since the firmware was made; None when nobody knows."""
    made = _date(report.hardware.bios_on)
    return max(0, (today - made).days // 365) if made is not None else None


def has(findings: Sequence[Finding], *keys: str) -> bool:
    """Whether one of these was found."""
    return any(finding.key in keys for finding in findings)


def _date(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _day(day: datetime.date) -> str:
    return day.strftime("%d.%m.%Y")
