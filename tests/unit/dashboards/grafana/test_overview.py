"""The overview as Grafana reads it: its fields, its words, and the metrics that it names."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from beket.app.wiring.catalogue import full_catalogue
from beket.testing.source_tree import PROJECT
from collector.sinks import metrics as sinks
from dashboards.grafana import overview as module
from dashboards.grafana.__main__ import FOLDER, files
from dashboards.grafana.overview import overview

CYRILLIC = re.compile("[а-яіїєґ]", re.IGNORECASE)
SELECTOR = re.compile(r"\b([a-z][a-z0-9_]*)\{([^}]*)\}")
UNITS = {"short", "s", "bytes", "bps", "percentunit"}  # of those that Grafana knows
PANEL_TYPES = {"row", "stat", "table", "timeseries"}


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    text = (FOLDER / "overview.json").read_text()
    made: dict[str, Any] = json.loads(text)
    return made


def panels(model: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in model["panels"] if panel["type"] != "row"]


def expressions(model: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in panels(model) for target in panel["targets"]]


def test_the_committed_file_is_what_the_code_makes() -> None:
    for name, text in files().items():
        assert (FOLDER / name).read_text() == text, "run: python -m dashboards.grafana"


def test_every_metric_that_a_query_names_is_in_the_catalogue_with_these_labels(model: dict[str, Any]) -> None:
    catalogue = full_catalogue()
    for expression in expressions(model):
        named = SELECTOR.findall(expression)
        assert named, expression
        for name, matchers in named:
            metric = catalogue.get(name)
            assert metric is not None, name
            assert {m.group(1) for m in re.finditer(r"(\w+)=", matchers)} <= {"community", *metric.labels}
        for by in re.findall(r" by \(([^)]*)\)", expression):
            assert set(by.split(", ")) <= {label for name, _ in named for label in _labels(name)}


def _labels(name: str) -> set[str]:
    metric = full_catalogue().get(name)
    assert metric is not None
    return {"community", *metric.labels}


def test_every_metric_that_the_page_imports_is_on_it(model: dict[str, Any]) -> None:
    source = Path(module.__file__).read_text()
    named = {name for expression in expressions(model) for name, _ in SELECTOR.findall(expression)}
    rooms = {name: getattr(module, name) for name in ("cameras", "network", "spool", "collector", "sinks", "vms")}
    used = {
        getattr(rooms[room], metric).name
        for room, metric in re.findall(r"\b(\w+)\.([A-Z_]+)\b", source)
        if room in rooms
    }
    assert used == named
    assert sinks.LAG.name in named


def test_legends_and_columns_name_labels_that_the_series_carry(model: dict[str, Any]) -> None:
    for panel in panels(model):
        labels = {
            label for e in (t["expr"] for t in panel["targets"]) for n, _ in SELECTOR.findall(e) for label in _labels(n)
        }
        for target in panel["targets"]:
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels
        for change in panel.get("transformations", []):
            assert change["options"]["renameByName"].keys() <= labels


def test_the_page_has_the_fields_that_grafana_documents(model: dict[str, Any]) -> None:
    assert {"uid", "title", "panels", "templating", "time", "refresh", "schemaVersion", "tags"} <= model.keys()
    assert isinstance(model["schemaVersion"], int)
    assert len(model["uid"]) <= 40
    ids = [panel["id"] for panel in model["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in model["panels"]:
        assert panel["type"] in PANEL_TYPES
        place = panel["gridPos"]
        assert place.keys() == {"h", "w", "x", "y"}
        assert place["x"] + place["w"] <= 24
    for panel in panels(model):
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        steps = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        assert steps[0] is None
        assert steps[1:] == sorted(steps[1:])
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)
        for target in panel["targets"]:
            assert target["expr"]
            assert target["instant"] != target["range"]
            assert target["instant"] == (panel["type"] != "timeseries")
    assert [variable["name"] for variable in model["templating"]["list"]] == ["datasource", "community", "site"]


def test_no_panel_lies_on_another(model: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in model["panels"]:
        p = panel["gridPos"]
        cells = {(x, y) for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])}
        assert not taken & cells, panel["title"]
        taken |= cells


def test_people_read_ukrainian(model: dict[str, Any]) -> None:
    words = [model["title"], model["description"], *(v["label"] for v in model["templating"]["list"])]
    words += [panel["title"] for panel in model["panels"]]
    for panel in panels(model):
        words.append(panel["description"])
        words += [t["legendFormat"] for t in panel["targets"] if t["legendFormat"] and "{{" not in t["legendFormat"]]
        for mapping in panel["fieldConfig"]["defaults"]["mappings"]:
            words += [option["text"] for option in mapping["options"].values()]
        for change in panel.get("transformations", []):
            words += change["options"]["renameByName"].values()
    assert not [word for word in words if not CYRILLIC.search(word)]
    titles = [panel["title"] for panel in panels(model)]
    assert len(set(titles)) == len(titles)


def test_provisioning_and_compose_fit_together() -> None:
    source = yaml.safe_load((FOLDER / "datasource.yaml").read_text())["datasources"][0]
    provider = yaml.safe_load((FOLDER / "provider.yaml").read_text())["providers"][0]
    compose = yaml.safe_load((PROJECT / "dashboards/compose.yaml").read_text())["services"]
    grafana, victoria = compose["grafana"], compose["victoria-metrics"]
    mounts = dict(volume.split(":")[:2] for volume in grafana["volumes"])

    assert source["type"] == "prometheus"
    assert source["url"] == "http://victoria-metrics:8428"
    for place in mounts:
        if place.startswith("./"):
            assert (PROJECT / "dashboards" / place).is_file()
    assert mounts["./grafana/overview.json"].startswith(provider["options"]["path"])
    assert "-dedup.minScrapeInterval=1ms" in victoria["command"]
    for service in compose.values():
        assert re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+", service["image"])
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_the_page_is_built_anew_each_time() -> None:
    assert overview() == overview()
    assert overview().model() is not overview().model()
