import json

from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.ids import DeviceId
from beket.testing.source_tree import PROJECT
from collector.devices.known import KnownFact
from collector.topology.told import Behind, Name, Neighbour, Neighbourhood, Port, neighbourhoods

GOLDEN = PROJECT / "tests/fixtures/wire/1/neighbour-facts.json"
SWITCH = DeviceId("switch")


def known(source: str, key: str, value: object, seen_ns: int = 7) -> KnownFact:
    """A fact as the store gives it."""
    is_text = isinstance(value, str)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return KnownFact(SWITCH, source, key, "text" if is_text else "fields", text, 1, 2, seen_ns)


def golden() -> list[KnownFact]:
    told = json.loads(GOLDEN.read_text())
    return [known(source, key, value) for source, of in told.items() for key, value in of["facts"].items()]


def test_what_the_agent_tells_is_read() -> None:
    (told,) = neighbourhoods(golden()).values()
    assert told == Neighbourhood(
        device=SWITCH,
        name="sw-school",
        chassis=(Name("mac", "02:00:00:00:00:01"), Name("name", "sw-school(SSI1)")),
        macs=("02:00:00:00:00:01", "02:00:00:00:00:02"),
        ports=(Port("ge1", ("10101", "до ради", "GigabitEthernet0/1"), "02:00:00:00:01:01", "po1"), Port("po1")),
        neighbours=(
            Neighbour("cdp", "ge1", Name("name", "core"), Name("name", "Ethernet1/19"), name="core", seen_wall_ns=7),
            Neighbour(
                "lldp", "ge1", Name("mac", "02:00:00:00:00:09"), Name("name", "Eth1/19"), "uplink", "core", "10.0.0.1",
                "NX-OS", 7,
            ),
            Neighbour("lldp", "ge1", Name("ip", "10.0.0.7"), seen_wall_ns=7),
        ),
        behind=(
            Behind("ge1", ("a", "b", "c", "d"), ("yard",), 2, 7),
            Behind("ge1", (), ("street",), 2, 7),
            Behind("ge3", (), ("gate",), 0, 7),
        ),
        whole=frozenset({"ports", "lldp", "fdb"}),
    )  # fmt: skip
    assert told.speaks("lldp")
    assert not told.speaks("cdp")


def test_facts_of_other_sources_tell_nothing_of_neighbours() -> None:
    assert neighbourhoods([known("snmp", "model", "X"), known("ssh", "neighbour/ge1", {"port": "ge1"})]) == {}
    (told,) = neighbourhoods([known("lldp", "port/ge1", {"port": "ge1"}), known("fdb", "self", {"name": "x"})]).values()
    assert told == Neighbourhood(device=SWITCH)


keys = st.sampled_from(["self", "port/a", "neighbour/a", "behind/a", "table/lldp", "odd", "port", ""])
texts = st.sampled_from(
    ["", "a", "mac", "mac ", " x", "mac 02:00", "device", "device d", "camera c", "9", "-1", "²", "whole"]
)
values = texts | st.dictionaries(
    st.sampled_from(["port", "chassis", "chassis-0", "remote-port", "others", "thing-0", "name-0", "macs"]), texts
)


@given(st.lists(st.tuples(st.sampled_from(["ports", "lldp", "cdp", "fdb", "snmp"]), keys, values)))
def test_no_fact_breaks_the_reading(facts: list[tuple[str, str, object]]) -> None:
    for told in neighbourhoods(known(*fact) for fact in facts).values():
        assert all(port.name for port in told.ports)
        assert all(one.port and one.protocol in ("lldp", "cdp") for one in told.neighbours)
        assert all(one.port and 0 <= one.others <= 9 for one in told.behind)
