import base64
import errno
from pathlib import Path

import msgspec
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.inventory import cache
from agents.inventory.cache import InventoryCache, OlderPart
from beket.kernel.errors import DataLoss, NoSpace, NotFound, ProtocolError, Unauthenticated
from beket.kernel.ids import CommunityId, SiteId
from beket.kernel.inventory import Inventory
from beket.kernel.ports import InventoryView
from beket.testing.inventories import COMMUNITY, community_of_real_size

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
SITE = SiteId("site-03")
WHOLE = community_of_real_size()
GOLDEN = Path.cwd() / "tests/fixtures/wire/1/inventory-part.json"


def verify(document: bytes, signature: bytes) -> bool:
    try:
        KEY.public_key().verify(signature, document)
    except InvalidSignature:
        return False
    return True


def part(
    version: int, *, site: str = SITE, key: Ed25519PrivateKey = KEY, extra: dict[str, object] | None = None
) -> bytes:
    """What a centre sends; written out here, since the reader shares no class with it."""
    inventory = msgspec.to_builtins(msgspec.structs.replace(WHOLE, version=version).part_of(SiteId(site)))
    document = msgspec.json.encode({"site": site, "inventory": {**inventory, **(extra or {})}})
    signature = key.sign(document)
    return msgspec.json.encode(
        {"document": base64.b64encode(document).decode(), "signature": base64.b64encode(signature).decode()}
    )


def expected(version: int) -> Inventory:
    return msgspec.structs.replace(WHOLE, version=version).part_of(SITE)


def open_cache(folder: Path, *, community: CommunityId = COMMUNITY.id) -> InventoryCache:
    return InventoryCache(folder, site=SITE, community=community, verify=verify)


def test_a_new_agent_knows_nothing_and_says_what_it_needs(tmp_path: Path) -> None:
    empty = open_cache(tmp_path)
    assert empty.problem is None
    with pytest.raises(NotFound, match="has not received"):
        empty.current()


@pytest.mark.parametrize(
    "golden",
    [GOLDEN, *(GOLDEN.with_name(f"inventory-part-without-{what}.json") for what in ("services", "command-lines"))],
)
def test_a_part_that_the_centre_of_this_release_or_an_older_one_sends_is_taken(tmp_path: Path, golden: Path) -> None:
    view = open_cache(tmp_path)
    assert view.put(golden.read_bytes()) is True
    as_port: InventoryView = view
    assert as_port.current() == expected(1)


def test_a_cut_off_agent_starts_from_its_copy(tmp_path: Path) -> None:
    open_cache(tmp_path).put(part(4))
    restarted = open_cache(tmp_path)
    assert (restarted.current(), restarted.problem) == (expected(4), None)
    assert [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()] == [0o600]


def test_versions_only_go_forward(tmp_path: Path) -> None:
    kept = open_cache(tmp_path)
    assert [kept.put(part(4)), kept.put(part(4)), kept.put(part(6))] == [True, False, True]
    for late in (part(5), part(6, extra={"devices": []})):
        with pytest.raises(OlderPart, match="6 is in force"):
            kept.put(late)
    assert kept.current() == open_cache(tmp_path).current() == expected(6)


def test_a_part_with_fields_of_a_newer_release_is_understood(tmp_path: Path) -> None:
    kept = open_cache(tmp_path)
    assert kept.put(part(2, extra={"people": [{"role": "starosta"}]}))
    assert kept.current() == expected(2)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (part(9, key=Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\1")), Unauthenticated),
        (part(9, site="site-04"), Unauthenticated),
        (part(9, extra={"community": {"id": "inshi", "name": "Інші"}}), Unauthenticated),
        (part(9, extra={"version": "9"}), ProtocolError),
        (part(9)[:-2], ProtocolError),
        (b"", ProtocolError),
        (b"[" * 1000, ProtocolError),
    ],
)
def test_a_part_that_is_forged_foreign_or_broken_changes_nothing(
    tmp_path: Path, data: bytes, error: type[Exception]
) -> None:
    kept = open_cache(tmp_path)
    kept.put(part(4))
    with pytest.raises(error):
        kept.put(data)
    assert kept.current() == open_cache(tmp_path).current() == expected(4)


def test_a_damaged_copy_is_said_and_the_one_before_serves(tmp_path: Path) -> None:
    kept = open_cache(tmp_path)
    kept.put(part(4))
    kept.put(part(5))
    newest = tmp_path / "inventory.json"
    newest.write_bytes(newest.read_bytes().replace(b"signature", b"signatura"))
    restarted = open_cache(tmp_path)
    assert restarted.current() == expected(4)
    assert isinstance(restarted.problem, DataLoss)
    assert "Копія опису пошкоджена" in restarted.problem.sentence().uk
    assert restarted.put(part(5)) is True
    assert restarted.problem is None
    healed = open_cache(tmp_path)
    assert (healed.current(), healed.problem) == (expected(5), None)


def test_the_spare_is_put_in_force_again_when_the_centre_still_sends_it(tmp_path: Path) -> None:
    kept = open_cache(tmp_path)
    kept.put(part(4))
    kept.put(part(5))
    (tmp_path / "inventory.json").write_bytes(b"")
    restarted = open_cache(tmp_path)
    assert restarted.put(part(4)) is True
    assert open_cache(tmp_path).problem is None


def test_a_copy_signed_by_another_key_or_for_another_community_is_not_used(tmp_path: Path) -> None:
    stranger = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\1")
    (tmp_path / "inventory.json").write_bytes(part(4, key=stranger))
    forged = open_cache(tmp_path)
    assert forged.problem is not None
    with pytest.raises(NotFound):
        forged.current()
    (tmp_path / "inventory.json").write_bytes(part(4))
    assert open_cache(tmp_path, community=CommunityId("inshi")).problem is not None


def test_a_copy_that_cannot_be_opened_is_a_problem_and_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "inventory.json").mkdir()
    assert isinstance(open_cache(tmp_path).problem, DataLoss)


def test_a_full_disk_leaves_the_part_before_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = open_cache(tmp_path)
    kept.put(part(4))

    def full(_path: Path, _data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache, "put_file", full)
    with pytest.raises(NoSpace):
        kept.put(part(5))
    assert kept.current() == open_cache(tmp_path).current() == expected(4)


WHOLE_PART = part(3)


@given(st.integers(0, len(WHOLE_PART)), st.integers(0, 8), st.binary(max_size=8))
@settings(max_examples=100)
def test_a_copy_damaged_anywhere_is_a_problem_or_the_same_part(
    tmp_path_factory: pytest.TempPathFactory, at: int, cut: int, new: bytes
) -> None:
    folder = tmp_path_factory.mktemp("agent")
    (folder / "inventory.json").write_bytes(WHOLE_PART[:at] + new + WHOLE_PART[at + cut :])
    damaged = open_cache(folder)
    assert damaged.problem is not None or damaged.current() == expected(3)
