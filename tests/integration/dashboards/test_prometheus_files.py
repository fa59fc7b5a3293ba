"""The rules and the scrape example, as Prometheus' own tool reads them."""

import re

import pytest
import yaml

from beket.app.wiring.catalogue import full_catalogue
from beket.testing.process import output_of
from beket.testing.source_tree import PROJECT

FOLDER = PROJECT / "dashboards/prometheus"
CYRILLIC = re.compile("[а-яіїєґ]", re.IGNORECASE)

pytestmark = pytest.mark.needs("promtool")


def rules() -> list[dict[str, str]]:
    groups = yaml.safe_load((FOLDER / "rules.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_the_rules_tell_what_they_should_and_nothing_else() -> None:
    assert "SUCCESS" in output_of("promtool", "test", "rules", FOLDER / "rules_test.yaml", within_s=300)


def test_the_scrape_example_is_valid_and_names_the_rules() -> None:
    told = output_of("promtool", "check", "config", FOLDER / "prometheus.yaml", within_s=120)
    assert f"{len(rules())} rules found" in told


def test_every_rule_has_a_test_and_names_only_metrics_that_exist() -> None:
    tested = (FOLDER / "rules_test.yaml").read_text()
    catalogue = full_catalogue()
    for rule in rules():
        assert f"alertname: {rule['alert']}\n        exp_alerts:\n          -" in tested, rule["alert"]
        names = set(re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b(?!\()", rule["expr"]))
        assert all(name in catalogue for name in names), names
        assert names or rule["expr"].startswith("up{")


def test_every_rule_is_tested_both_when_it_must_fire_and_when_it_must_not() -> None:
    asked = [
        (bool(one["exp_alerts"]), one["alertname"])
        for case in yaml.safe_load((FOLDER / "rules_test.yaml").read_text())["tests"]
        for one in case["alert_rule_test"]
    ]
    fires, rests = ({name for told, name in asked if told is wanted} for wanted in (True, False))
    names = {rule["alert"] for rule in rules()}
    assert fires == rests == names


def test_every_rule_says_in_ukrainian_what_happened_and_what_to_do() -> None:
    for rule in rules():
        annotations: dict[str, str] = dict(rule["annotations"])
        assert annotations.keys() == {"summary", "description"}
        assert all(CYRILLIC.search(text) for text in annotations.values())
        assert rule["labels"]["severity"] in ("warning", "critical")
