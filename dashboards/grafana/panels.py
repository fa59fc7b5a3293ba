"""Owns dashboards as values, and how they become Grafana's classic JSON model (what file provisioning reads).

Titles, legends, units and the words for values are Ukrainian here, for Grafana itself has no Ukrainian.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

GRID_COLUMNS = 24
SCHEMA_VERSION = 41  # Grafana 12.0; newer ones read it
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Query:
    """One question of a panel; `legend` may name labels: `{{site}}`."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture.

    Attributes:
        help: one sentence under the «i»: what it shows and when to worry.
        unit: Grafana's id of a unit: "s", "bps", "bytes", "percentunit", "dBm", "volt", "short".
        words: (value, words, colour) shown instead of values.
        names: (code, words) shown instead of a code that is a legend.
        is_signed: values below zero mean something.
        steps: from which value on which colour; the first one's value is None.
        columns: of a table: label → heading, in order; `Value` is the number itself.
    """

    kind: Literal["stat", "timeseries", "table", "state-timeline"]
    title: str
    help: str
    queries: tuple[Query, ...]
    unit: str = "short"
    width: int = 8
    height: int = 8
    words: tuple[tuple[str, str, str], ...] = ()
    steps: tuple[tuple[float | None, str], ...] = ((None, "green"),)
    columns: tuple[tuple[str, str], ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    is_signed: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading; they flow into lines as wide as the page."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of the page: the values of `label` in the series that `selector` names.

    Attributes:
        is_many: several may be chosen, or all; else exactly one.
    """

    label: str
    title: str
    selector: str
    is_many: bool = True


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of time marked on all of a page's graphs: where the series of `expression` are not zero.

    Attributes:
        words: what is read over a mark; may name labels.
    """

    title: str
    expression: str
    words: str
    color: str = "dark-red"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One page."""

    uid: str
    title: str
    help: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    marks: tuple[Mark, ...] = ()

    def model(self) -> dict[str, Any]:
        """The page as Grafana's JSON."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.help,
            "tags": ["beket"],
            "timezone": "browser",
            "editable": False,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-24h", "to": "now"},
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "annotations": {"list": [_marked(mark) for mark in self.marks]},
            "links": [_OTHER_PAGES],
            "templating": {"list": [_source_variable(), *map(_variable, self.variables)]},
            "panels": list(_placed(self.rows)),
        }


def _placed(rows: tuple[Row, ...]) -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for row in rows:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"h": 1, "w": GRID_COLUMNS, "x": 0, "y": top},
        }
        top, left, tallest = top + 1, 0, 0
        for panel in row.panels:
            number += 1
            if left + panel.width > GRID_COLUMNS:
                top, left, tallest = top + tallest, 0, 0
            place = {"h": panel.height, "w": panel.width, "x": left, "y": top}
            yield {"id": number, "gridPos": place, **_panel(panel)}
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest


def _panel(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "noValue": "немає даних",
        "mappings": [_mapping(panel.words)] if panel.words else [],
        "thresholds": {"mode": "absolute", "steps": [{"value": at, "color": color} for at, color in panel.steps]},
    }
    made: dict[str, Any] = {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.help,
        "datasource": SOURCE,
        "targets": [_target(i, query, panel.kind) for i, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": defaults, "overrides": [_named(code, words) for code, words in panel.names]},
        "options": _OPTIONS[panel.kind],
    }
    if panel.kind == "state-timeline":
        defaults["custom"] = {"fillOpacity": 80, "lineWidth": 0}
    if panel.kind == "timeseries":
        if not panel.is_signed:
            defaults["min"] = 0
        defaults["custom"] = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "spanNulls": False}
    if panel.kind == "table":
        made["transformations"] = [_columns(panel.columns)]
    return made


def _marked(mark: Mark) -> dict[str, Any]:
    return {
        "name": mark.title,
        "datasource": SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": mark.color,
        "target": {"refId": "Anno", "expr": mark.expression, "interval": "60s"},
        "titleFormat": mark.words,
        "tagKeys": "",
    }


_OTHER_PAGES = {
    "type": "dashboards",
    "title": "Інші сторінки",
    "tags": ["beket"],
    "asDropdown": True,
    "icon": "external link",
    "includeVars": True,
    "keepTime": True,
    "targetBlank": False,
    "tooltip": "",
    "url": "",
}
_OPTIONS: Mapping[str, dict[str, Any]] = {
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "value_and_name",
        "justifyMode": "auto",
        "orientation": "auto",
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "wideLayout": True,
    },
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "state-timeline": {
        "showValue": "never",
        "rowHeight": 0.9,
        "mergeValues": True,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    },
    "table": {"showHeader": True, "cellHeight": "sm", "frameIndex": 0},
}


def _target(index: int, query: Query, kind: str) -> dict[str, Any]:
    now = kind in ("stat", "table")
    return {
        "refId": chr(ord("A") + index),
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": query.expression,
        "legendFormat": query.legend,
        "instant": now,
        "range": not now,
        "format": "table" if kind == "table" else "time_series",
    }


def _mapping(words: tuple[tuple[str, str, str], ...]) -> dict[str, Any]:
    options = {value: {"text": text, "color": color, "index": i} for i, (value, text, color) in enumerate(words)}
    return {"type": "value", "options": options}


def _named(code: str, words: str) -> dict[str, Any]:
    matcher = {"id": "byName", "options": code}
    return {"matcher": matcher, "properties": [{"id": "displayName", "value": words}]}


def _columns(columns: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    shown = [label for label, _ in columns]
    return {
        "id": "organize",
        "options": {
            "excludeByName": {
                name: True
                for name in ("Time", "Value", "__name__", "community", "job", "instance")
                if name not in shown
            },
            "indexByName": {name: i for i, name in enumerate(shown)},
            "renameByName": dict(columns),
        },
    }


def _source_variable() -> dict[str, Any]:
    return {
        "name": "datasource",
        "type": "datasource",
        "label": "Джерело",
        "query": "prometheus",
        "regex": "",
        "hide": 0,
        "refresh": 1,
        "includeAll": False,
        "multi": False,
        "current": {"selected": True, "text": "Бекет", "value": "beket"},
        "options": [],
    }


def _variable(variable: Variable) -> dict[str, Any]:
    question = f"label_values({variable.selector}, {variable.label})"
    made: dict[str, Any] = {
        "name": variable.label,
        "type": "query",
        "label": variable.title,
        "datasource": SOURCE,
        "query": {"query": question, "refId": "StandardVariableQuery"},
        "regex": "",
        "hide": 0,
        "refresh": 2,
        "sort": 1,
        "options": [],
        "includeAll": variable.is_many,
        "multi": variable.is_many,
    }
    if variable.is_many:
        made |= {"allValue": ".*", "current": {"selected": True, "text": ["усі"], "value": ["$__all"]}}
    return made
