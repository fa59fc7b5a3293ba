"""The flat names are ours alone in this environment (beket/design/0004-names-and-packaging.md)."""

import importlib.metadata
import importlib.util
import re
from pathlib import Path

import pytest

from beket.testing.source_tree import PROJECT, ROOMS

# `restic` on PyPI is a REST helper and not the backup tool; the others would put their modules over ours.
NEVER_INSTALLED = {"agents", "backup", "collector", "dashboards", "openai-agents", "restic", "vms"}


@pytest.mark.parametrize("name", ROOMS)
def test_top_level_name_belongs_to_us(name: str) -> None:
    owners = set(importlib.metadata.packages_distributions().get(name, []))
    assert owners <= {"beket"}
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin) == PROJECT / name / "__init__.py"


LOCKS = PROJECT / "beket/app/locks"


def test_no_locked_package_takes_our_names_or_comes_without_a_hash() -> None:
    for lock in ("site", "centre", "demo", "test"):
        pinned = re.split(r"^(?=[A-Za-z0-9])", (LOCKS / f"{lock}.txt").read_text(), flags=re.MULTILINE)[1:]
        names = {line.partition("==")[0] for line in pinned}
        assert names
        assert not names & NEVER_INSTALLED
        assert not [line.partition("==")[0] for line in pinned if "--hash=sha256:" not in line]
