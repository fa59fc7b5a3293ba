"""Facts from command lines: each family's recorded answers, spellings of numbers, hostile answers."""

import math
import random
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.hosts.facts import PARTS_MAX, commands_of, facts_of, number
from agents.hosts.families import load_family, shipped_families
from beket.app.wiring.catalogue import full_catalogue
from beket.kernel.config import ConfigMistakes
from tests.hostile import damaged

RECORDED = Path(__file__).parents[3] / "fixtures" / "gear" / "facts"
FAMILIES = shipped_families()
LABELS = (("site", "council"), ("device", "router"))
WEEK_S, DAY_S = 7 * 86_400, 86_400


def answers(name: str) -> dict[str, str]:
    parts = re.split(r"^> (.+)\n", (RECORDED / f"{name}.txt").read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def read(name: str, family: str) -> tuple[dict[str, str], dict[str, float]]:
    facts = facts_of(FAMILIES[family], answers(name), LABELS, 5)
    values = {}
    for point in facts.points:
        assert point.labels[:2] == LABELS
        assert point.wall_ns == 5
        values["/".join([point.name, *(value for _, value in point.labels[2:])])] = point.value
    return dict(facts.texts), values


def test_routeros_7_tells_what_it_is_and_how_it_is() -> None:
    assert set(answers("mikrotik-7")) == set(commands_of(FAMILIES["mikrotik"]))
    assert read("mikrotik-7", "mikrotik") == (
        {
            "version": "7.16.1 (stable)",
            "model": "RB760iGS",
            "serial": "HEX0EXAMPLE",
            "name": "router-council",
            "board": "hEX S",
            "processor": "MIPS 1004Kc V2.15",
            "cores": "4",
            "memory": "256.0MiB",
        },
        {
            "device_uptime_seconds": 3 * WEEK_S + 2 * DAY_S + 4 * 3600 + 5 * 60 + 6,
            "device_cpu_ratio": 0.03,
            "device_memory_ratio": 0.25,
            "sensor_temperature_celsius/temperature": 42.0,
            "port_up_ratio/ether1": 1.0,
            "port_up_ratio/ether2": 0.0,
            "port_up_ratio/sfp1": 1.0,
        },
    )


def test_routeros_6_spells_some_of_it_otherwise() -> None:
    texts, values = read("mikrotik-6", "mikrotik")
    assert texts == {"version": "6.49.18 (long-term)", "memory": "64.0MiB"}
    assert values == {
        "device_uptime_seconds": DAY_S + 2 * 3600 + 3 * 60 + 4,
        "device_cpu_ratio": 0.17,
        "device_memory_ratio": 0.8125,
        "sensor_temperature_celsius/temperature": 38.0,
    }


def test_ios_tells_what_it_is_and_how_it_is() -> None:
    assert read("cisco-ios", "cisco-ios") == (
        {"version": "15.0(2)SE11", "model": "WS-C2960-24TT-L", "serial": "FOC1010X104", "name": "SW-COUNCIL"},
        {
            "device_uptime_seconds": 365 * DAY_S + 2 * WEEK_S + 3 * DAY_S + 4 * 3600 + 5 * 60,
            "device_cpu_ratio": 0.07,
            "device_memory_ratio": 0.25,
            "sensor_temperature_celsius/System Temperature": 34.0,
            "port_up_ratio/Fa0/1": 1.0,
            "port_up_ratio/Fa0/2": 0.0,
            "port_up_ratio/Gi0/1": 1.0,
        },
    )


def test_this_very_linux_tells_of_itself() -> None:
    family = FAMILIES["linux"]
    real = {
        command: subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False).stdout
        for command in commands_of(family)
    }
    facts = facts_of(family, real, LABELS, 5)
    values = {point.name: point.value for point in facts.points}
    assert facts.texts["version"]
    assert facts.texts["name"]
    assert values["device_uptime_seconds"] > 0
    assert 0 < values["device_memory_ratio"] < 1


def test_every_measure_of_a_family_is_a_metric_with_its_labels() -> None:
    catalogue = full_catalogue()
    for family in FAMILIES.values():
        for measure in family.measures:
            metric = catalogue.get(measure.metric)
            assert metric is not None, measure.metric
            assert metric.labels == ("site", "device", *((measure.part_label,) if measure.part_label else ()))


def test_nothing_said_is_nothing_known() -> None:
    for family in FAMILIES.values():
        facts = facts_of(family, {}, LABELS, 5)
        assert (facts.texts, facts.points) == ({}, [])
        refused = dict.fromkeys(commands_of(family), "bad command name x (line 1 column 1)\n")
        assert facts_of(family, refused, LABELS, 5).points == []


def test_parts_are_bounded_and_told_once() -> None:
    rows = "".join(f" {n} R  name=e{n} default-name=e{n} type=ether\n" for n in range(2 * PARTS_MAX))
    points = facts_of(FAMILIES["mikrotik"], {"/interface print terse": rows * 2}, LABELS, 5).points
    assert len(points) == len({point.labels for point in points}) == PARTS_MAX


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("5w6d23:59:59", "duration", 5 * WEEK_S + 6 * DAY_S + 86_399),
        ("12 days, 3 hours, 1 minute", "duration", 12 * DAY_S + 3 * 3600 + 60),
        ("10min 5sec", "duration", 605),
        ("never", "duration", None),
        ("64.0MiB", "size", 64 * 1024**2),
        ("64 MB", "size", 64 * 1024**2),
        ("12345", "size", 12345),
        ("many", "size", None),
        ("nan", "number", None),
        ("1e999", "number", None),
    ],
)
def test_numbers_are_read_as_devices_spell_them(text: str, kind: str, value: float | None) -> None:
    assert number(text, kind) == value


@given(st.text(max_size=200), st.sampled_from(["number", "duration", "size"]))
def test_any_text_is_a_finite_number_or_none(text: str, kind: str) -> None:
    value = number(text, kind)
    assert value is None or math.isfinite(value)


def test_hostile_answers_are_missing_facts() -> None:
    rng = random.Random(9)
    seeds = [answer.encode() for name in ("mikrotik-7", "cisco-ios") for answer in answers(name).values()]
    seeds += [b" " * 4000, b"Fa0/1 " + b"a " * 3000, b"0 R  " + b"name=" * 1000, b"1d" * 3000]
    for _ in range(300):
        for family in FAMILIES.values():
            told = {command: damaged(rng, seeds).decode("latin-1") for command in commands_of(family)}
            facts = facts_of(family, told, LABELS, 5)
            assert all(math.isfinite(point.value) for point in facts.points)
            assert all(len(text) <= 100 for text in facts.texts.values())


def test_patterns_without_their_groups_are_told(tmp_path: Path) -> None:
    file = tmp_path / "odd.toml"
    file.write_text(
        'title = "Odd"\n[[facts]]\nfact = "version"\ncommand = "v"\npattern = "x"\n'
        '[[measures]]\nmetric = "port_up_ratio"\ncommand = "p"\npattern = "(?P<value>x)"\n'
        'part_label = "port"\ntotal = "y"\n'
    )
    with pytest.raises(ConfigMistakes) as caught:
        load_family(file)
    places = [mistake.place for mistake in caught.value.mistakes]
    assert places == ["facts[0].pattern", "measures[0].pattern", "measures[0].total"]
