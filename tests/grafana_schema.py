"""Checks values against tests/fixtures/grafana/types.json: Grafana's own declarations of a dashboard as JSON Schema.

Made from the TypeScript declarations of the npm package @grafana/schema 12.0.2 (Apache-2.0) by
ts-json-schema-generator, descriptions left out. Only the words of JSON Schema that occur there are known here; another
one is an error.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_DECLARED = json.loads((Path(__file__).parent / "fixtures" / "grafana" / "types.json").read_text())
SOURCE: str = _DECLARED["source"]
TYPES: dict[str, dict[str, Any]] = _DECLARED["types"]
KNOWN = {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$ref"}
_KINDS = {"object": dict, "array": list, "string": str, "boolean": bool, "number": int | float, "null": type(None)}


def faults(value: object, type_name: str) -> list[str]:
    """What about `value` Grafana's declaration of `type_name` does not allow, with its place."""
    return list(_faults(value, {"$ref": type_name}, ""))


def _faults(value: object, schema: dict[str, Any], place: str) -> Iterator[str]:
    if strange := schema.keys() - KNOWN:
        raise ValueError(f"this check does not know {sorted(strange)}")
    if "$ref" in schema:
        yield from _faults(value, TYPES[schema["$ref"]], place)
    if "anyOf" in schema:
        ways = [list(_faults(value, way, place)) for way in schema["anyOf"]]
        if all(ways):
            yield from min(ways, key=len)
    if "const" in schema and value != schema["const"]:
        yield f"{place}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is none of {schema['enum']}"
    kinds = schema.get("type", [])
    if kinds and not any(_is(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        yield f"{place}: {value!r} is no {kinds}"
    elif isinstance(value, dict):
        yield from _faults_of_object(value, schema, place)
    elif isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            yield from _faults(item, schema["items"], f"{place}[{i}]")


def _faults_of_object(value: dict[str, object], schema: dict[str, Any], place: str) -> Iterator[str]:
    properties = schema.get("properties", {})
    yield from (f"{place}: {name} is missing" for name in schema.get("required", ()) if name not in value)
    others = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in properties:
            yield from _faults(item, properties[name], f"{place}.{name}")
        elif others is False:
            yield f"{place}: {name} is unknown"
        elif isinstance(others, dict):
            yield from _faults(item, others, f"{place}.{name}")


def _is(value: object, kind: str) -> bool:
    return isinstance(value, _KINDS[kind]) and not (kind == "number" and isinstance(value, bool))
