"""Golden messages of gear configurations, and what the centre makes of a site whose clock or words are wrong."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup.configs.exchange import copy_message, copy_of, looks_message, looks_of
from backup.configs.messages import DEVICES_MAX, GearCopy, GearKey, GearLook, GearLooks
from backup.configs.store import Copy, LookOutcome
from backup.configs.text import LINES_MAX
from beket.kernel.errors import ProtocolError
from beket.kernel.wire import decode, encode

GOLDEN = Path(__file__).parents[3] / "fixtures" / "wire" / "1"
NOW_NS = 1_700_000_100_000_000_000
COPY = GearCopy(
    id="0b6f2a52-6f0f-4d1c-9b3f-2f8f6f1f0a01",
    device="router-council",
    wall_ns=NOW_NS,
    taken_ns=1_700_000_000_000_000_000,
    since_ns=1_699_990_000_000_000_000,
    family="mikrotik",
    version="7.16.1",
    who="petrenko",
    masked="/ppp secret\nadd name=school password=•••1f2e3d\n",
    sealed=b"BKGC1 sealed",
)
LOOK = GearLook(
    device="router-council",
    family="mikrotik",
    looked_ns=1_700_000_000_000_000_000,
    good_ns=1_700_000_000_000_000_000,
    outcome="changed",
    reason_uk="Налаштування змінилися.",
    reason_en="The configuration has changed.",
    is_weak=True,
)
MESSAGES: dict[str, msgspec.Struct] = {
    "gear-key": GearKey(public="00" * 32),
    "gear-copy": COPY,
    "gear-looks": GearLooks(wall_ns=NOW_NS, looks=(LOOK,)),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_message_is_spelled_as_in_its_golden_file(name: str) -> None:
    golden = (GOLDEN / f"{name}.json").read_bytes()
    assert decode(golden, type(MESSAGES[name])) == MESSAGES[name]
    assert msgspec.json.format(encode(MESSAGES[name]), indent=2) + b"\n" == golden


def test_a_copy_comes_through_and_belongs_to_the_site_that_brought_it() -> None:
    copy = copy_of(COPY, site="council", wall_ns=NOW_NS)
    assert (copy.site, copy.taken_ns, copy.since_ns) == ("council", COPY.taken_ns, COPY.since_ns)
    assert copy_message(copy, wall_ns=NOW_NS) == COPY
    (look,) = looks_of(GearLooks(wall_ns=NOW_NS, looks=(LOOK,)), site="council", wall_ns=NOW_NS)
    assert looks_message([look], wall_ns=NOW_NS).looks == (LOOK,)


@given(st.integers(-(10**18), 10**18), st.integers(0, 10**15))
def test_moments_are_told_by_our_clock_whatever_theirs_shows(ahead_ns: int, age_ns: int) -> None:
    theirs_ns = NOW_NS + ahead_ns
    message = msgspec.structs.replace(COPY, wall_ns=theirs_ns, taken_ns=theirs_ns - age_ns, since_ns=theirs_ns)
    copy: Copy = copy_of(message, site="council", wall_ns=NOW_NS)
    assert copy.taken_ns == NOW_NS - age_ns
    assert copy.since_ns == copy.taken_ns  # never after the copy
    assert copy.sealed_ns == message.taken_ns  # sealed by their clock, opened by it


@pytest.mark.parametrize(
    "change",
    [
        {"device": "../x"},
        {"id": "1"},
        {"id": "0B6F2A52-6F0F-4D1C-9B3F-2F8F6F1F0A01"},
        {"masked": "\n" * (LINES_MAX + 1)},
    ],
)
def test_an_odd_copy_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ProtocolError):
        copy_of(msgspec.structs.replace(COPY, **change), site="council", wall_ns=NOW_NS)


def test_odd_looks_are_refused_and_new_words_are_a_failure() -> None:
    for looks in ((LOOK,) * (DEVICES_MAX + 1), (msgspec.structs.replace(LOOK, device="Router"),)):
        with pytest.raises(ProtocolError):
            looks_of(GearLooks(wall_ns=NOW_NS, looks=looks), site="council", wall_ns=NOW_NS)
    odd = msgspec.structs.replace(LOOK, outcome="sleeping", looked_ns=2 * NOW_NS)
    (look,) = looks_of(GearLooks(wall_ns=NOW_NS, looks=(odd,)), site="council", wall_ns=NOW_NS)
    assert look.outcome is LookOutcome.FAILED
    assert look.looked_ns == NOW_NS
