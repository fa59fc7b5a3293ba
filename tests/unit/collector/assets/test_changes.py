from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.assets.changes import PROGRAMS_NAMED_MAX, Kind, changes
from collector.assets.messages import (
    ComputerReport,
    Disk,
    Hardware,
    Licence,
    OperatingSystem,
    Program,
    completed,
    read_report,
)
from collector.assets.wording import words_of

GIB = 1024**3
BEFORE = read_report((Path(__file__).parents[3] / "fixtures/wire/1/computer-report.json").read_bytes())


def sentences(after: ComputerReport, before: ComputerReport | None = BEFORE) -> list[str]:
    return [words_of(change.kind, change.values).uk for change in changes(before, after)]


def altered(**values: object) -> ComputerReport:
    return msgspec.structs.replace(BEFORE, **values)


def with_hardware(**values: object) -> ComputerReport:
    return altered(hardware=msgspec.structs.replace(BEFORE.hardware, **values))


def test_an_unchanged_computer_has_no_changes_and_a_new_one_has_appeared() -> None:
    assert changes(BEFORE, BEFORE) == []
    assert sentences(BEFORE, None) == ["З’явився комп’ютер BUH-2."]


def test_each_part_that_changes_is_told_in_one_sentence() -> None:
    bigger = with_hardware(memory_bytes=8 * GIB)
    assert sentences(bigger) == ["Пам’яті стало більше: було 2,0 ГіБ, стало 8,0 ГіБ."]
    assert sentences(BEFORE, bigger) == ["Пам’яті стало менше: було 8,0 ГіБ, стало 2,0 ГіБ."]
    assert sentences(altered(name="BUH-3")) == ["Ім’я змінено: було BUH-2, стало BUH-3."]
    assert sentences(with_hardware(processor="i3"))[0].startswith("Процесор замінено: був Pentium")
    assert sentences(with_hardware(serial="X"))[0].startswith("Корпус чи плату замінено")
    system = OperatingSystem(family="windows", name="Windows 10 Pro", release="10.0.19045")
    assert sentences(altered(system=system))[0].startswith("Система змінилася: була Windows 7")


def test_disks_that_come_go_take_turns_and_die() -> None:
    old = BEFORE.disks[0]
    new = Disk(serial="S2", model="KINGSTON SA400", size_bytes=240_054_796_800, health="well")
    assert sentences(altered(disks=(new,))) == ["Диск замінено: був WD3200AAJS 320 ГБ, став KINGSTON SA400 240 ГБ."]
    assert sentences(altered(disks=(old, new))) == ["Додано диск KINGSTON SA400 240 ГБ."]
    assert sentences(altered(disks=())) == ["Диск WD3200AAJS 320 ГБ вийнято."]
    well = altered(disks=(msgspec.structs.replace(old, health="well", bad_sectors=0),))
    assert sentences(BEFORE, well) == [
        "Диск WD3200AAJS 320 ГБ каже, що скоро відмовить. Зробіть копію й замініть його.",
        "На диску WD3200AAJS 320 ГБ вже 12 зіпсованих секторів.",
    ]
    assert sentences(well) == []  # a disk that recovered by itself is no news


def test_programs_that_come_go_and_grow() -> None:
    chrome = Program(name="Google Chrome", version="131.0", publisher="Google LLC")
    office = (Program(name="LibreOffice 24.2", version="24.2"), Program(name="WinRAR"))
    assert sentences(altered(software=(chrome, *BEFORE.software[1:]))) == [
        "Оновлено Google Chrome: було 109.0, стало 131.0."
    ]
    added = altered(software=(*BEFORE.software, office[0]))
    assert sentences(added) == ["Додано програму LibreOffice 24.2."]
    newer = altered(software=(*BEFORE.software, Program(name="LibreOffice 25.8", version="25.8")))
    assert sentences(newer, added) == ["Оновлено LibreOffice 25.8: було 24.2, стало 25.8."]
    assert sentences(altered(software=BEFORE.software[:1])) == ["Вилучено програму WinRAR."]


def test_a_flood_of_programs_is_named_up_to_a_bound_and_counted() -> None:
    flood = tuple(Program(name=f"p{n:03}", version="1") for n in range(100))
    said = sentences(altered(software=(*BEFORE.software, *flood)))
    assert len(said) == PROGRAMS_NAMED_MAX + 1
    assert said[-1] == "Ще 80 програм змінилися."


def test_licences_appear_vanish_and_end() -> None:
    good = Licence(product="Windows 7", channel="OEM", last_five="8HXWM", state="licensed")
    assert sentences(altered(licences=(good,))) == ["Ліцензія почала діяти: Windows 7 (…8HXWM)."]
    assert sentences(BEFORE, altered(licences=(good,))) == ["Ліцензія більше не діє: Windows 7 (…8HXWM)."]
    assert sentences(altered(licences=())) == ["Ліцензії не стало: Windows 7 (…8HXWM)."]
    assert sentences(BEFORE, altered(licences=())) == ["З’явилася ліцензія: Windows 7 (…8HXWM)."]


def test_every_kind_has_words_in_both_languages_even_when_values_are_lost() -> None:
    for kind in Kind:
        words = words_of(kind, {})
        assert words.uk.endswith(".")
        assert words.en.endswith(".")
        assert str(kind) not in words.uk
    assert words_of("of-tomorrow", {}).uk == "of-tomorrow"


_NAMES = st.sampled_from(["Chrome", "chrome", "Office 16", "Medoc", "б"])
_REPORTS = st.builds(
    ComputerReport,
    name=st.sampled_from(["A", "B"]),
    hardware=st.builds(Hardware, cores=st.integers(1, 4), memory_bytes=st.sampled_from([GIB, 2 * GIB])),
    disks=st.lists(
        st.builds(
            Disk,
            serial=st.sampled_from(["", "1", "2"]),
            model=st.sampled_from(["M", "N"]),
            health=st.sampled_from(["well", "failing", "unknown"]),
        ),
        max_size=3,
    ).map(tuple),
    software=st.lists(st.builds(Program, name=_NAMES, version=st.sampled_from(["", "1", "16"])), max_size=6).map(tuple),
)


@given(_REPORTS, _REPORTS)
def test_changes_are_sentences_and_none_between_equals(before: ComputerReport, after: ComputerReport) -> None:
    assert changes(after, after) == []
    for change in changes(before, after):
        assert words_of(change.kind, change.values).uk
    shuffled = msgspec.structs.replace(after, software=tuple(reversed(after.software)))
    assert changes(after, shuffled) == []


@pytest.mark.parametrize("unread", ["software", "disks"])
def test_a_section_that_was_not_read_changes_nothing(unread: str) -> None:
    told = altered(**{unread: ()}, unread=(unread,))
    assert changes(BEFORE, completed(told, BEFORE)) == []
