import msgspec
import pytest

from collector.assets.lists import Fate, Judged, ListKind, fate_of, judge_all, purchases, spare_parts, table
from collector.assets.messages import ComputerReport, Disk, Hardware, Module, OperatingSystem
from tests.unit.collector.assets.test_rules import JUDGE, NOW_NS, computer, recorded

GIB = 1024**3


def office(
    name: str, *, year: int = 2024, memory_gib: int = 8, release: str = "10.0.26200", **values: object
) -> ComputerReport:
    told = ComputerReport(
        name=name,
        system=OperatingSystem(family="windows", name="Windows", release=release, edition="Professional", bits=64),
        hardware=Hardware(kind="desktop", model="M", bios_on=f"{year}-01-01", memory_bytes=memory_gib * GIB),
        memory=(Module(kind="DDR3", size_bytes=memory_gib * GIB),),
        disks=(Disk(serial=name, model="SSD", kind="ssd", size_bytes=240 * 10**9, health="well"),),
    )
    return msgspec.structs.replace(told, **values)


def judged(*reports: ComputerReport, heard_days_ago: float = 0) -> list[Judged]:
    told = [computer(r, heard_days_ago=heard_days_ago, agent=f"a-{n}") for n, r in enumerate(reports)]
    return judge_all(told, JUDGE, lambda one: f"місце {one.site}", NOW_NS)


@pytest.mark.parametrize(
    ("report", "fate"),
    [
        (office("new"), Fate.KEEP),
        (office("little", memory_gib=4), Fate.KEEP),
        (office("old", year=2018), Fate.KEEP),
        (office("old and little", year=2018, memory_gib=4), Fate.REUSE),
        (office("old, ended", year=2018, release="10.0.19045"), Fate.REUSE),
        (office("worn but well", year=2014), Fate.REUSE),
        (office("worn, ended", year=2014, release="6.1.7601"), Fate.WRITE_OFF),
        (office("worn, poor", year=2014, memory_gib=2), Fate.WRITE_OFF),
        (office("virtual", year=2010, release="6.1.7601", hardware=Hardware(kind="virtual")), Fate.KEEP),
    ],
    ids=lambda value: value.name if isinstance(value, ComputerReport) else "",
)
def test_each_computer_has_one_fate(report: ComputerReport, fate: Fate) -> None:
    (one,) = judged(report)
    assert one.fate is fate
    assert fate_of(one.computer, one.findings) is fate


def test_who_is_gone_is_written_off_and_nothing_is_bought_for_him() -> None:
    (one,) = judged(office("gone"), heard_days_ago=300)
    assert one.fate is Fate.WRITE_OFF
    assert purchases([one], JUDGE) == []


def test_what_is_modern_is_kept_mended_and_lacks_nothing() -> None:
    flags = [
        one.is_modern for one in judged(office("new"), office("4", memory_gib=4), office("10", release="10.0.19045"))
    ]
    assert flags == [True, False, False]


def test_purchases_name_the_computer_and_the_reason() -> None:
    all_judged = judged(office("worn", year=2014, release="6.1.7601"), office("little", memory_gib=4))
    assert [(p.what.uk, p.judged.computer.name, p.reason.uk) for p in purchases(all_judged, JUDGE)] == [
        ("комп’ютер", "worn", "Замість того, що списується."),
        ("пам’ять DDR3 до 8 ГіБ", "little", "Пам’яті 4,0 ГіБ, для роботи потрібно щонайменше 8,0 ГіБ."),
    ]


def test_parts_of_what_is_written_off_go_to_one_who_needs_them_once_each() -> None:
    all_judged = judged(
        office("donor", year=2014, release="6.1.7601", memory=(Module(kind="DDR3", size_bytes=4 * GIB),) * 2),
        office("needs", memory_gib=4),
        office("slow", disks=(Disk(kind="hdd", size_bytes=10**12, health="well"),)),
    )
    parts = spare_parts(all_judged, purchases(all_judged, JUDGE), JUDGE)
    assert [(part.what.uk, part.fits) for part in parts] == [
        ("пам’ять DDR3 4,0 ГіБ", "needs"),
        ("пам’ять DDR3 4,0 ГіБ", ""),
        ("диск SSD, 223,5 ГіБ", "slow"),
    ]


def test_a_failing_or_small_disk_is_no_spare_part() -> None:
    for disk in (
        Disk(health="failing", size_bytes=10**12),
        Disk(health="well", size_bytes=60 * 10**9),
        Disk(size_bytes=10**12),
    ):
        donor = judged(office("donor", year=2014, release="6.1.7601", disks=(disk,), memory=()))
        assert spare_parts(donor, [], JUDGE) == []


def test_tables_have_a_header_numbers_and_reasons() -> None:
    all_judged = judged(recorded("7"), recorded("10-uk"), recorded("11"))
    rows = {kind: table(kind, all_judged, JUDGE) for kind in ListKind}
    assert {kind: len(found) - 1 for kind, found in rows.items()} == {
        ListKind.ALL: 3, ListKind.REUSE: 1, ListKind.WRITE_OFF: 1, ListKind.PURCHASE: 1, ListKind.PARTS: 2
    }  # fmt: skip
    for found in rows.values():
        assert {len(row) for row in found} == {len(found[0])}
        assert [row[0] for row in found[1:]] == [str(n) for n in range(1, len(found))]
    written_off = dict(zip(rows[ListKind.WRITE_OFF][0], rows[ListKind.WRITE_OFF][1], strict=True))
    assert written_off["Комп’ютер"] == "BUH-2"
    assert written_off["Рік"] == "2010"
    assert "заборонена" in written_off["Причини"]
    assert written_off["Що далі"].startswith("подати комісії")
