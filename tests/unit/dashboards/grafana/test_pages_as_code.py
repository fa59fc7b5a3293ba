"""The pages as Grafana reads them: its own declarations, Ukrainian words, and metrics that the catalogue has."""

import json
import re
from typing import Any

import pytest
import yaml

from beket.app.wiring.catalogue import full_catalogue
from beket.testing.source_tree import PROJECT
from dashboards.grafana.__main__ import FOLDER, files, pages
from dashboards.grafana.rest import EVERY_METRIC, names_in, rest
from tests.grafana_schema import SOURCE, TYPES, faults

CYRILLIC = re.compile("[а-яіїєґ]", re.IGNORECASE)
SELECTOR = re.compile(r"\b([a-z][a-z0-9_]*)\{([^}]*)\}")
UNITS = {"short", "s", "bytes", "bps", "Bps", "percentunit", "dateTimeAsIso", "celsius", "rotrpm"}
UNITS |= {"volt", "amp", "watt", "dB", "dBm"}
OPTIONS = {
    "stat": "StatOptions",
    "table": "TableOptions",
    "timeseries": "TimeSeriesOptions",
    "state-timeline": "StateTimelineOptions",
}
CUSTOM = {"timeseries": "TimeSeriesFieldConfig", "state-timeline": "StateTimelineFieldConfig"}
NAMES = sorted(files())
WANTED = {
    "overview",
    "site",
    "power",
    "device",
    "wifi",
    "cameras",
    "uplink",
    "providers",
    "services",
    "backups",
    "computers",
    "printers",
    "itself",
}
# Of a mark, what Grafana leaves to the source of data.
PROMETHEUS_MARK = {"target", "titleFormat", "tagKeys"}


@pytest.fixture(params=NAMES)
def model(request: pytest.FixtureRequest) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((FOLDER / request.param).read_text())
    return made


def panels(model: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in model["panels"] if panel["type"] != "row"]


def targets(model: dict[str, Any]) -> list[dict[str, Any]]:
    return [target for panel in panels(model) for target in panel["targets"]]


def marks(model: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = model["annotations"]["list"]
    return found


def as_declared(model: dict[str, Any]) -> dict[str, Any]:
    """The page without what a source of data adds to a mark of its own: Grafana declares only what is common."""
    common = [{key: mark[key] for key in mark.keys() - PROMETHEUS_MARK} for mark in marks(model)]
    return {**model, "annotations": {"list": common}}


def labels_of(name: str) -> set[str]:
    metric = full_catalogue().get(name)
    assert metric is not None, name
    return {"community", *metric.labels}


def test_the_committed_files_are_what_the_code_makes() -> None:
    assert {path.name for path in FOLDER.glob("*.json")} == set(files())
    for name, text in files().items():
        assert (FOLDER / name).read_text() == text, "run: python -m dashboards.grafana"


def test_every_page_that_people_ask_for_is_there() -> None:
    assert {name.removesuffix(".json") for name in NAMES} >= WANTED


def test_grafanas_declarations_allow_the_page(model: dict[str, Any]) -> None:
    assert faults(as_declared(model), "Dashboard") == []
    for panel in panels(model):
        assert faults(panel["options"], OPTIONS[panel["type"]]) == []
        custom = panel["fieldConfig"]["defaults"].get("custom")
        assert (custom is None) == (panel["type"] not in CUSTOM)
        if custom is not None:
            assert faults(custom, CUSTOM[panel["type"]]) == []


def test_the_check_finds_what_grafana_would_not_know() -> None:
    good = json.loads(files()["overview.json"])
    for spoil in (
        lambda page: page.pop("schemaVersion"),
        lambda page: page.update(panles=[]),
        lambda page: page["panels"][1].update(gridPos={"x": 0, "y": 0}),
        lambda page: page["panels"][1]["fieldConfig"]["defaults"].update(unti="s"),
        lambda page: page["templating"]["list"][1].update(type="qurey"),
        lambda page: page["annotations"]["list"][0].pop("iconColor"),
    ):
        page = json.loads(json.dumps(good))
        assert not faults(as_declared(page), "Dashboard")
        spoil(page)
        assert faults(as_declared(page), "Dashboard")
    assert faults({**panels(good)[0]["options"], "colorMode": "rainbow"}, "StatOptions")
    assert len(TYPES) > 40


def test_every_metric_is_in_the_catalogue_and_has_the_labels_that_are_asked_for(model: dict[str, Any]) -> None:
    for target in [*targets(model), *(mark["target"] for mark in marks(model))]:
        named = SELECTOR.findall(target["expr"])
        assert named, target["expr"]
        for name, matchers in named:
            assert {m.group(1) for m in re.finditer(r"(\w+)=", matchers)} <= labels_of(name)
        for by in re.findall(r" by \(([^)]*)\)", target["expr"]):
            assert set(by.split(", ")) <= {label for name, _ in named for label in labels_of(name)}
    for variable in model["templating"]["list"]:
        question = variable["query"] if isinstance(variable["query"], str) else variable["query"]["query"]
        for name in re.findall(r"label_values\((\w+)[{,]", question):
            assert variable["name"] in labels_of(name)


def test_every_metric_of_the_catalogue_is_on_a_page() -> None:
    assert set(EVERY_METRIC) == set(full_catalogue())
    assert names_in(pages()) == {metric.name for metric in full_catalogue()}
    assert names_in([rest(set())]) == {metric.name for metric in full_catalogue()}


def test_legends_and_columns_name_labels_that_the_series_carry(model: dict[str, Any]) -> None:
    for panel in panels(model):
        for target in panel["targets"]:
            labels = {label for name, _ in SELECTOR.findall(target["expr"]) for label in labels_of(name)}
            if by := re.match(r"\w+ by \(([^)]*)\)", target["expr"]):
                labels = set(by.group(1).split(", "))
            elif re.match(r"(sum|count|max)\(", target["expr"]):
                labels = set()
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels, panel["title"]
            for change in panel.get("transformations", []):
                assert change["options"]["renameByName"].keys() <= labels | {"Value"}


def test_a_mark_says_of_what_site_it_is_and_its_words_are_ukrainian(model: dict[str, Any]) -> None:
    for mark in marks(model):
        labels = {label for name, _ in SELECTOR.findall(mark["target"]["expr"]) for label in labels_of(name)}
        assert set(re.findall(r"\{\{(\w+)\}\}", mark["titleFormat"])) <= labels
        assert CYRILLIC.search(mark["name"])
        assert CYRILLIC.search(mark["titleFormat"])


def test_blackouts_are_marked_where_people_ask_why_something_was_down() -> None:
    marked = {name for name, text in files().items() if marks(json.loads(text))}
    assert marked >= {"overview.json", "site.json", "device.json", "power.json", "providers.json", "wifi.json"}


def test_the_page_of_the_rest_holds_only_what_no_other_shows() -> None:
    others = [page for page in pages() if page.uid != "beket-rest"]
    left = names_in([rest(names_in(others))])
    assert left == {metric.name for metric in full_catalogue()} - names_in(others)
    assert ("rest.json" in files()) == bool(left)
    assert names_in([rest(names_in(others) - {"ups_charge_ratio"})]) == left | {"ups_charge_ratio"}


def test_panels_are_well_formed(model: dict[str, Any]) -> None:
    assert len(model["uid"]) <= 40
    ids = [panel["id"] for panel in model["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in panels(model):
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        steps = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        assert steps[0] is None
        assert steps[1:] == sorted(steps[1:])
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)
        for target in panel["targets"]:
            assert target["instant"] != target["range"]
            assert target["instant"] == (panel["type"] in ("stat", "table"))
    assert [variable["name"] for variable in model["templating"]["list"]][:3] == ["datasource", "community", "site"]


def test_no_panel_lies_on_another(model: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in model["panels"]:
        p = panel["gridPos"]
        assert p["x"] + p["w"] <= 24
        cells = {(x, y) for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])}
        assert not taken & cells, panel["title"]
        taken |= cells


def test_people_read_ukrainian(model: dict[str, Any]) -> None:
    words = [model["title"], model["description"], *(v["label"] for v in model["templating"]["list"])]
    words += [panel["title"] for panel in model["panels"] if panel["title"] != "SNMP"]
    for panel in panels(model):
        words.append(panel["description"])
        legends = [t["legendFormat"] for t in panel["targets"]]
        words += [legend for legend in legends if legend and "{{" not in legend and legend != "SNMP"]
        for mapping in panel["fieldConfig"]["defaults"]["mappings"]:
            words += [option["text"] for option in mapping["options"].values()]
        for override in panel["fieldConfig"]["overrides"]:
            words += [change["value"] for change in override["properties"]]
        for change in panel.get("transformations", []):
            words += change["options"]["renameByName"].values()
    if model["uid"] != "beket-rest":
        assert not [word for word in words if not CYRILLIC.search(word)]
    titles = [panel["title"] for panel in panels(model)]
    assert len(set(titles)) == len(titles)


def test_uids_and_titles_are_each_pages_own() -> None:
    made = pages()
    assert len({page.uid for page in made}) == len({page.title for page in made}) == len(made)
    assert pages() == made


def test_the_folder_that_is_mounted_holds_every_page_as_file_provisioning_takes_it() -> None:
    """A file with an `id`, of two pages with one `uid`, or not JSON is what Grafana refuses when it starts."""
    loaded = [json.loads(path.read_text()) for path in sorted(FOLDER.iterdir())]
    assert {page["uid"] for page in loaded} == {page.uid for page in pages()}
    assert len({page["uid"] for page in loaded}) == len({page["title"] for page in loaded}) == len(loaded)
    assert not [page["uid"] for page in loaded if "id" in page]
    assert all(path.suffix == ".json" and path.stat().st_size < 1 << 20 for path in FOLDER.iterdir())


def test_provisioning_and_compose_fit_together() -> None:
    grafana_folder = PROJECT / "dashboards" / "grafana"
    source = yaml.safe_load((grafana_folder / "datasource.yaml").read_text())["datasources"][0]
    provider = yaml.safe_load((grafana_folder / "provider.yaml").read_text())["providers"][0]
    compose = yaml.safe_load((PROJECT / "dashboards/compose.yaml").read_text())["services"]
    grafana, victoria = compose["grafana"], compose["victoria-metrics"]
    mounts = dict(volume.split(":")[:2] for volume in grafana["volumes"])

    assert source["type"] == "prometheus"
    assert source["url"] == "http://victoria-metrics:8428"
    for place in mounts:
        if place.startswith("./"):
            assert (PROJECT / "dashboards" / place).exists()
    assert mounts["./grafana/pages"] == provider["options"]["path"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/overview.json"
    # The declarations that the pages are checked against are of the release that runs.
    assert f"@grafana/schema {grafana['image'].rpartition(':')[2]} " in SOURCE
    assert "-dedup.minScrapeInterval=1ms" in victoria["command"]
    for service in compose.values():
        assert re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+", service["image"])
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
