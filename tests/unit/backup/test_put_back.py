"""Whatever the centre asks, a host writes only under what its own plans copy: any path, any link, any name."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backup.messages import RestoreOrder
from backup.plans import Plan
from backup.put_back import NAME_MAX_BYTES, free_name, place_of
from beket.kernel.errors import BeketError
from beket.kernel.ids import SiteId

PARTS = st.sampled_from(["документи", "тека", "файл", "геть", "вбік", "..", ".", "", "інше", "a\0b", "х" * 300])


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan's folder with links out of it and back into it, and a neighbour that nobody copies."""
    root = tmp_path_factory.mktemp("host")
    (root / "документи" / "тека").mkdir(parents=True)
    (root / "документи" / "файл").touch()
    (root / "інше").mkdir()
    (root / "документи" / "геть").symlink_to(root / "інше")
    (root / "документи" / "вбік").symlink_to(root / "документи" / "тека")
    return root


@settings(deadline=None)
@given(parts=st.lists(PARTS, max_size=6), is_absolute=st.booleans(), end=st.sampled_from(["", "/", "/.."]))
def test_no_path_leads_out_of_the_plan(host: Path, parts: list[str], is_absolute: bool, end: str) -> None:
    root = host / "документи"
    plan = Plan("p", "П", SiteId("s"), (root,))
    asked = (f"{host}/" if is_absolute else "") + "/".join(parts) + end
    order = RestoreOrder(id="1", snapshot="0" * 64, path=asked)
    try:
        place = place_of(order, [plan])
    except (BeketError, OSError):
        return
    assert place.path.is_relative_to(root)
    assert place.path.is_relative_to(place.top)
    # Where the rename will put it, links resolved, lies in the plan; or it is the plan's own folder.
    assert place.top == root or place.top.parent.resolve().is_relative_to(root.resolve())
    assert os.path.lexists(place.top.parent)


@settings(deadline=None)
@given(name=st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=130))
def test_name_beside_is_always_a_name_that_a_disk_takes(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    if name in (".", ".."):
        return
    beside = free_name(folder / name, "відновлено 29.11.2026 14-35")
    assert beside.parent == folder
    assert 0 < len(beside.name.encode()) <= max(NAME_MAX_BYTES, len(name.encode()))
    assert beside.name != name
    assert "відновлено" in beside.name
