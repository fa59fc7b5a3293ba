"""Computers from the hand-made recordings, read by the agent's own parser and judged at the centre."""

import datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.computers.windows_output import parse_windows
from beket.kernel.clock import NS_PER_S, wall_ns_of
from beket.kernel.errors import BeketError, InvalidConfig
from beket.kernel.ids import AgentId, SiteId
from collector.assets.messages import ComputerReport, Disk, Licence, OperatingSystem, Program, read_report
from collector.assets.rule_files import OFFICIAL_MAX_BYTES, Words, load_rules, read_official
from collector.assets.rules import RULE_WORDS, Finding, Judge, age_years
from collector.assets.store import Computer

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "computers"
TODAY = datetime.datetime(2026, 11, 29, 12, tzinfo=datetime.UTC)
NOW_NS = wall_ns_of(TODAY)
DAY_NS = 86_400 * NS_PER_S
JUDGE = Judge(load_rules())


def recorded(name: str) -> ComputerReport:
    told = parse_windows((RECORDINGS / f"windows-{name}.jsonl").read_bytes())
    return read_report(msgspec.json.encode(told))


def computer(report: ComputerReport, *, heard_days_ago: float = 0, agent: str = "council-1") -> Computer:
    heard_ns = NOW_NS - round(heard_days_ago * DAY_NS)
    return Computer(AgentId(agent), SiteId("council"), heard_ns, heard_ns, heard_ns, report)


def findings(report: ComputerReport, **values: float) -> list[Finding]:
    return JUDGE.findings(computer(report, **values), NOW_NS)  # type: ignore[arg-type]


def keys(report: ComputerReport) -> list[str]:
    return [finding.key for finding in findings(report)]


def test_the_accountants_old_computer_has_everything() -> None:
    assert set(keys(recorded("7"))) == {
        "prohibited", "unlicensed", "system-ended", "disk-failing", "memory-poor", "worn-out", "updates-late"
    }  # fmt: skip
    said = " ".join(finding.reason.uk for finding in findings(recorded("7")))
    for sentence in (
        "Програма «1С:Предприятие 8.2 (8.2.19.130)» заборонена: перелік Держспецзв’язку",
        "Windows 7 / Server 2008 R2: виробник не виправляє вразливостей з 14.01.2020.",
        "Ліцензія не діє: Windows(R) 7, Professional edition (…8HXWM).",
        "Пам’яті 2,0 ГіБ, для роботи потрібно щонайменше 8,0 ГіБ.",
        "Комп’ютеру близько 16 років.",
    ):
        assert sentence in said


def test_a_new_notebook_is_well() -> None:
    assert keys(recorded("11")) == []


def test_windows_10_in_ukrainian_with_a_forbidden_antivirus() -> None:
    found = findings(recorded("10-uk"))
    assert [finding.key for finding in found if finding.weight == "must"] == ["prohibited", "system-ended"]
    assert "Kaspersky Endpoint Security" in found[0].reason.uk


@pytest.mark.parametrize(
    ("family", "release", "edition", "expected"),
    [
        ("windows", "10.0.26100", "Professional", "system-ended"),
        ("windows", "10.0.26100", "Enterprise", None),
        ("windows", "10.0.26100", "ServerStandard", None),
        ("windows", "10.0.26200", "Core", None),
        ("windows", "10.0.19044", "EnterpriseS", "system-ending"),
        ("windows", "10.0.19044", "IoTEnterpriseS", None),
        ("windows", "10.0.14393", "Professional", "system-ended"),
        ("windows", "10.0.99999", "Professional", None),
        ("windows", "6.3.9600", "Core", "system-ended"),
        ("linux", "12", "debian", None),
        ("linux", "11", "debian", "system-ended"),
        ("linux", "22.04", "ubuntu", "system-ending"),
        ("linux", "2", "debian", None),
        ("linux", "10", "alpine", None),
        ("", "", "", None),
    ],
)
def test_a_system_is_judged_by_its_own_end_of_support(
    family: str, release: str, edition: str, expected: str | None
) -> None:
    told = ComputerReport(system=OperatingSystem(family=family, release=release, edition=edition))
    assert keys(told) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("name", "publisher"),
    [
        ("1С:Предприятие 8.3", ""), ("1C:Підприємство 8", ""), ("Що завгодно", "1С-Софт"), ("Yandex", "YANDEX LLC"),
        ("Яндекс.Браузер", ""), ("Dr.Web Security Space", ""), ("Kaspersky VPN", ""), ("BAS Роздрібна торгівля", ""),
    ],
)  # fmt: skip
def test_prohibited_software_is_found_in_either_alphabet(name: str, publisher: str) -> None:
    assert keys(ComputerReport(software=(Program(name=name, publisher=publisher),))) == ["prohibited"]


@pytest.mark.parametrize(
    ("name", "publisher"),
    [
        ("Microsoft SQL Server 11C", "Microsoft"), ("M.E.Doc", "Лінкос Груп"), ("Visual Basic", "BASE"),
        ("Gmail.rules", ""), ("Kyandexplorer", ""), ("BAS Бухгалтерія", "Сучасні системи"), ("", ""),
    ],
)  # fmt: skip
def test_what_only_sounds_alike_is_not_accused(name: str, publisher: str) -> None:
    assert keys(ComputerReport(software=(Program(name=name, publisher=publisher),))) == []


def test_what_a_computer_did_not_tell_is_no_finding() -> None:
    assert keys(ComputerReport()) == []


def test_disks_by_smart_and_by_sectors() -> None:
    told = ComputerReport(disks=(Disk(model="A", health="failing"), Disk(model="B", kind="ssd", bad_sectors=3)))
    assert [f.reason.uk for f in findings(told)] == [
        "Диск A за SMART скоро відмовить.", "На диску B 3 зіпсовані сектори."
    ]  # fmt: skip
    assert keys(ComputerReport(disks=(Disk(kind="hdd"),))) == ["disk-slow"]
    assert keys(ComputerReport(disks=(Disk(kind="hdd"), Disk(kind="ssd")))) == []


def test_a_virtual_machine_is_not_judged_by_its_iron() -> None:
    old = recorded("7")
    virtual = msgspec.structs.replace(old, hardware=msgspec.structs.replace(old.hardware, kind="virtual"))
    assert not {"memory-poor", "worn-out", "disk-failing"} & set(keys(virtual))


def test_a_computer_that_is_silent_and_one_that_is_gone() -> None:
    assert [f.key for f in findings(ComputerReport(), heard_days_ago=29.9)] == []
    assert [f.reason.uk for f in findings(ComputerReport(), heard_days_ago=31)] == ["Востаннє було чути 29.10.2026."]
    assert [f.key for f in findings(ComputerReport(), heard_days_ago=200)] == ["gone"]


def test_licences_in_force_or_in_grace_are_no_finding() -> None:
    states = ("licensed", "grace", "unlicensed")
    told = ComputerReport(licences=tuple(Licence(product=f"P{n}", state=s) for n, s in enumerate(states)))
    assert [finding.reason.uk for finding in findings(told)] == ["Ліцензія не діє: P2 (…?????)."]


def test_every_rule_has_a_weight_and_words_and_every_system_a_day() -> None:
    assert set(JUDGE.book.weights) == set(RULE_WORDS)
    assert all(row.ends_on.year > 2010 and row.name for row in JUDGE.book.systems)
    assert all(row.source and (row.names or row.publishers) for row in JUDGE.book.prohibited)


def test_the_official_list_is_asked_in_addition(tmp_path: Path) -> None:
    path = tmp_path / "перелік.csv"
    path.write_text("№;Назва програмного забезпечення;Правовласник\n1;Парус-Бюджет;Парус\n2;;\n3;x\n", "utf-8-sig")
    judge = Judge(load_rules(path))
    told = ComputerReport(software=(Program(name="Парус-Бюджет 7.5"), Program(name="Парусник")))
    (found,) = judge.findings(computer(told), NOW_NS)
    assert "офіційний перелік (перелік.csv), правовласник Парус" in found.reason.uk


@pytest.mark.parametrize("content", [b"", b"a;b\n1;2\n", b"\x00\x01", b"\xff\xfe\x00", b"x" * (OFFICIAL_MAX_BYTES + 1)])
def test_a_list_that_is_none_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(BeketError):
        read_official(path)
    with pytest.raises(InvalidConfig):
        read_official(tmp_path / "absent.csv")


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_name_is_looked_up_without_harm(name: str, publisher: str) -> None:
    Words(JUDGE.book.prohibited).look_up(Program(name=name, publisher=publisher))


def test_age_is_whole_years_and_never_less_than_none() -> None:
    def aged(day: str) -> int | None:
        told = ComputerReport()
        return age_years(
            msgspec.structs.replace(told, hardware=msgspec.structs.replace(told.hardware, bios_on=day)), TODAY.date()
        )

    assert [aged(day) for day in ("2019-11-30", "2019-11-01", "2027-01-01", "", "2020-02-31")] == [7, 7, 0, None, None]
