import json

from hypothesis import given
from hypothesis import strategies as st

from agents.facts.book import FACTS_MAX
from agents.facts.messages import VALUE_MAX_CHARS, is_key, spelled
from agents.network.neighbours import tables, telling
from agents.network.neighbours.report import Behind, Name, Neighbour, Neighbourhood, Port
from beket.testing.source_tree import PROJECT

GOLDEN = PROJECT / "tests/fixtures/wire/1/neighbour-facts.json"

MAC = "02:00:00:00:00:09"
LOOK = Neighbourhood(
    name="sw-school",
    chassis=(Name("mac", "02:00:00:00:00:01"), Name("name", "sw-school(SSI1)")),
    macs=("02:00:00:00:00:01", "02:00:00:00:00:02"),
    ports=(Port("ge1", ("GigabitEthernet0/1", "до ради", "10101"), "02:00:00:00:01:01", "po1"), Port("po1")),
    neighbours=(
        Neighbour("lldp", "ge1", Name("mac", MAC), Name("name", "Eth1/19"), "uplink", "core", "10.0.0.1", "NX-OS"),
        Neighbour("lldp", "ge1", Name("ip", "10.0.0.7"), Name()),
        Neighbour("cdp", "ge1", Name("name", "core"), Name("name", "Ethernet1/19"), name="core"),
    ),
    behind=(
        Behind("ge1", ("a", "b", "c", "d"), ("yard", "street"), 17),
        Behind("ge2", (), (), 3),
        Behind("ge3", (), ("gate",)),
    ),
    missing=(("cdp", "timed_out"),),
)  # fmt: skip


def told(look: Neighbourhood) -> dict[str, dict[str, object]]:
    return {source: {"is_whole": is_whole, "facts": facts} for source, facts, is_whole in telling.facts_of(look)}


def test_a_look_is_told_as_the_golden_file_says() -> None:
    assert told(LOOK) == json.loads(GOLDEN.read_text())


def test_a_table_that_was_cut_is_not_whole_and_says_why() -> None:
    assert told(LOOK)["cdp"]["is_whole"] is False
    assert told(Neighbourhood())["lldp"] == {"is_whole": True, "facts": {"table/lldp": "whole"}}


words = st.text(max_size=200)
names = st.builds(Name, st.sampled_from(["mac", "ip", "name", ""]), words)
some_words = st.lists(words, max_size=12).map(tuple)
looks = st.builds(
    Neighbourhood,
    name=words,
    chassis=st.lists(names, max_size=2).map(tuple),
    macs=some_words,
    ports=st.lists(st.builds(Port, words, some_words, words, words), max_size=5).map(tuple),
    neighbours=st.lists(
        st.builds(
            Neighbour, st.sampled_from(["lldp", "cdp"]), words, names, names, words, words, words, words
        ),
        max_size=5,
    ).map(tuple),
    behind=st.lists(st.builds(Behind, words, some_words, some_words, st.integers(0, 9)), max_size=3).map(tuple),
    missing=st.just((("lldp", "protocol"),)),
)  # fmt: skip


@given(looks)
def test_every_fact_fits_whatever_a_device_says(look: Neighbourhood) -> None:
    for _, facts, _ in telling.facts_of(look):
        for key, value in facts.items():
            text, _ = spelled(value)
            assert len(text) <= VALUE_MAX_CHARS
            if key.isprintable() and not key.endswith("/"):
                assert is_key(key)


def test_the_largest_look_has_no_more_facts_than_are_told() -> None:
    ports = tuple(Port(f"p{n}") for n in range(tables.PORTS_MAX))
    neighbours = tuple(Neighbour("lldp", "p1", Name("name", f"n{n}"), Name()) for n in range(tables.NEIGHBOURS_MAX))
    facts = {source: facts for source, facts, _ in telling.facts_of(Neighbourhood(ports=ports, neighbours=neighbours))}
    assert {source: len(of) for source, of in facts.items()} == {
        "ports": tables.PORTS_MAX + 1 + 1, "lldp": tables.NEIGHBOURS_MAX + 1, "cdp": 1, "fdb": 1,
    }  # fmt: skip
    assert max(map(len, facts.values())) <= FACTS_MAX
    # The longest first loses nothing that tells who it is.
    long = Neighbour(
        "lldp", "p" * 64, Name("name", '"' * 200), Name("name", "r" * 90), "w" * 200, "n" * 200, "a", "d" * 200
    )
    (fact,) = (f for k, f in telling._of_neighbours(Neighbourhood(neighbours=(long,)), "lldp").items())
    assert isinstance(fact, dict)
    assert {"port", "chassis", "address", "name"} <= set(fact)
