"""What rooms declare separately fits together: configuration sections and metrics."""

import importlib
import inspect
from pathlib import Path
from typing import Annotated, get_args, get_origin, get_type_hints

import msgspec

from beket.kernel.metrics import Catalogue, Metric
from beket.testing.source_tree import Module


def _sections(shipped: list[Module]) -> list[type[msgspec.Struct]]:
    found = []
    for module in shipped:
        if module.path.name == "config.py" and module.name != "beket.kernel.config":
            loaded = importlib.import_module(module.name)
            classes = [item for _, item in inspect.getmembers(loaded, inspect.isclass)]
            found += [c for c in classes if issubclass(c, msgspec.Struct) and c.__module__ == module.name]
    return found


def _is_explained(annotation: object) -> bool:
    if get_origin(annotation) is Annotated:
        return any(isinstance(meta, msgspec.Meta) and meta.description for meta in get_args(annotation)[1:])
    return isinstance(annotation, type) and issubclass(annotation, msgspec.Struct)  # a table explains itself


def test_every_setting_explains_itself_and_no_section_can_be_changed(shipped: list[Module]) -> None:
    found = []
    for section in _sections(shipped):
        hints = get_type_hints(section, include_extras=True)
        found += [
            f"{section.__module__}.{section.__name__}.{n}" for n, hint in hints.items() if not _is_explained(hint)
        ]
        assert section.__struct_config__.frozen, section
        assert section.__doc__, section
    assert not found


def test_all_metrics_fit_into_one_catalogue(shipped: list[Module]) -> None:
    metrics: list[Metric] = []
    for module in shipped:
        if Path(module.path).name == "metrics.py" and module.name != "beket.kernel.metrics":
            values = vars(importlib.import_module(module.name)).values()
            metrics += [value for value in values if isinstance(value, Metric)]
    assert len(list(Catalogue(metrics))) == len(metrics)
