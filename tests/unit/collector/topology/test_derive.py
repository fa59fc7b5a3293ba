import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.ids import CameraId, CommunityId, DeviceId, SiteId
from beket.kernel.inventory import Camera, Community, Device, Inventory, Site
from collector.topology.derive import Topology, derive
from collector.topology.links import Doubt, End, Evidence, Kind, Link, Party, Protocol, camera, device
from collector.topology.told import Behind, Name, Neighbour, Neighbourhood, Port

SCHOOL, CLUB = SiteId("school"), SiteId("club")


def mac(number: int, port: int = 0) -> str:
    return f"02:00:00:00:{number:02x}:{port:02x}"


def a_device(number: int, site: SiteId = SCHOOL) -> Device:
    return Device(id=DeviceId(f"d{number}"), site=site, name=f"Device {number}", address=f"10.0.0.{number}")


def a_camera(number: int) -> Camera:
    return Camera(id=CameraId(f"c{number}"), site=SCHOOL, name="Camera", url=f"rtsp://10.0.1.{number}:554/main")


def inventory(devices: list[Device], cameras: list[Camera] | None = None) -> Inventory:
    return Inventory(
        version=1,
        community=Community(id=CommunityId("c"), name="c"),
        sites=(Site(id=SCHOOL, name="s", village="v"), Site(id=CLUB, name="k", village="v")),
        devices=tuple(devices),
        cameras=tuple(cameras or ()),
    )


def told(number: int, *neighbours: Neighbour, behind: tuple[Behind, ...] = (), ports: int = 8) -> Neighbourhood:
    """What device `number` says of itself, its ports being `p1` and so on, seen at 1000 + its number."""
    seen_ns = 1000 + number
    return Neighbourhood(
        device=DeviceId(f"d{number}"),
        name=f"name-{number}",
        chassis=(Name("mac", mac(number)),),
        macs=(mac(number),),
        ports=tuple(Port(f"p{n}", (f"Port {n}", str(100 + n)), mac(number, n)) for n in range(1, ports + 1)),
        neighbours=tuple(replace(one, seen_wall_ns=seen_ns) for one in neighbours),
        behind=tuple(replace(one, seen_wall_ns=seen_ns) for one in behind),
        whole=frozenset(("ports", "lldp", "cdp", "fdb")),
    )


def hears(port: int, number: int, far: str, protocol: str = "lldp") -> Neighbour:
    chassis, address = Name("mac", mac(number)), f"10.0.0.{number}"
    return Neighbour(protocol, f"p{port}", chassis, Name("name", far), name=f"name-{number}", address=address)


def of(*reports: Neighbourhood) -> dict[DeviceId, Neighbourhood]:
    return {one.device: one for one in reports}


def end(number: int, port: str = "") -> End:
    return End(device(f"d{number}"), port)


TWO = inventory([a_device(1), a_device(2)])


def test_both_sides_say_the_same() -> None:
    found = derive(TWO, of(told(1, hears(3, 2, "p5")), told(2, hears(5, 1, "Port 3"))))
    evidence = (Evidence(Protocol.LLDP, DeviceId("d1"), 1001), Evidence(Protocol.LLDP, DeviceId("d2"), 1002))
    assert found.links == (Link((end(1, "p3"), end(2, "p5")), evidence),)
    assert found.links[0].is_mutual
    assert found.links[0].seen_wall_ns == 1002


def test_lldp_of_one_side_and_cdp_of_the_other_are_one_link() -> None:
    (link,) = derive(TWO, of(told(1, hears(3, 2, "p5")), told(2, hears(5, 1, "p3", "cdp")))).links
    assert link.is_mutual
    assert {one.protocol for one in link.evidence} == {Protocol.LLDP, Protocol.CDP}
    assert link.doubts == ()


def test_one_side_alone_is_said_to_be_alone() -> None:
    (link,) = derive(TWO, of(told(1, hears(3, 2, "p5")))).links
    assert not link.is_mutual
    assert link.ends == (end(1, "p3"), End(device("d2"), "p5"))
    assert link.doubts == ()


def test_a_whole_answer_that_does_not_name_the_other_back_is_a_doubt_and_a_cut_one_is_not() -> None:
    other = told(2, Neighbour("lldp", "p1", Name("mac", mac(9)), name="somebody"))
    one = told(1, hears(3, 2, "p5"))

    def doubts(reports: Mapping[DeviceId, Neighbourhood]) -> tuple[Doubt, ...]:
        links = [link for link in derive(TWO, reports).links if link.ends[1].party.kind is Kind.DEVICE]
        assert len(links) == 1
        return links[0].doubts

    assert doubts(of(one, other)) == (Doubt.NOT_NAMED_BACK,)
    assert doubts(of(one, replace(other, whole=frozenset(("ports",))))) == ()
    assert doubts(of(one, told(2))) == ()


def test_sides_that_name_different_ports_stay_two_links_with_the_contradiction() -> None:
    links = derive(TWO, of(told(1, hears(3, 2, "p5")), told(2, hears(6, 1, "p4")))).links
    assert [link.ends for link in links] == [(end(1, "p3"), end(2, "p5")), (end(1, "p4"), end(2, "p6"))]
    assert all(link.doubts == (Doubt.PORTS_DIFFER,) and not link.is_mutual for link in links)


def test_two_cables_between_the_same_devices_are_two_links() -> None:
    reports = of(
        told(1, hears(1, 2, "p7"), hears(2, 2, "p8")),
        told(2, hears(7, 1, "p1"), hears(8, 1, "p2")),
    )
    links = derive(TWO, reports).links
    assert [link.ends for link in links] == [(end(1, "p1"), end(2, "p7")), (end(1, "p2"), end(2, "p8"))]
    assert all(link.is_mutual and not link.doubts for link in links)


def test_a_port_id_that_was_cut_short_agrees_with_the_only_link_there_is() -> None:
    (link,) = derive(TWO, of(told(1, hears(3, 2, "Ten-GigabitEther")), told(2, hears(5, 1, "p3")))).links
    assert link.ends == (end(1, "p3"), end(2, "p5"))
    assert link.is_mutual


def test_several_neighbours_on_one_port_hint_at_a_simple_switch_between() -> None:
    three = inventory([a_device(1), a_device(2), a_device(3)])
    links = derive(three, of(told(1, hears(3, 2, "p5"), hears(3, 3, "p6")))).links
    assert [link.doubts for link in links] == [(Doubt.SEVERAL_ON_PORT,)] * 2


def test_a_neighbour_that_no_inventory_has_is_a_stranger_told_once_by_two_protocols() -> None:
    lldp = Neighbour("lldp", "p2", Name("mac", mac(77)), Name("name", "Eth1/19"), name="core-1", address="10.9.9.9")
    cdp = Neighbour("cdp", "p2", Name("name", "core-1(SSI1837)"), Name("name", "Ethernet1/19"), name="core-1(SSI1837)")
    found = derive(TWO, of(told(1, cdp, lldp)))
    (link,) = found.links
    stranger = Party(Kind.STRANGER, mac(77))
    assert link.far_end(device("d1")).party == stranger
    assert {one.protocol for one in link.evidence} == {Protocol.LLDP, Protocol.CDP}
    assert found.strangers[stranger].name == "core-1"
    assert Doubt.SEVERAL_ON_PORT not in link.doubts


@pytest.mark.parametrize(
    "neighbour",
    [
        Neighbour("lldp", "p1", Name("mac", mac(2))),
        Neighbour("lldp", "p1", Name("mac", mac(2, 7)), Name("name", "p7")),
        Neighbour("lldp", "p1", Name("name", "x"), Name("mac", mac(2, 7))),
        Neighbour("lldp", "p1", Name("ip", "10.0.0.2")),
        Neighbour("cdp", "p1", Name("name", "?"), address="10.0.0.2"),
        Neighbour("cdp", "p1", Name("name", "NAME-2")),
        Neighbour("cdp", "p1", Name("name", "name-2.rada.local")),
        Neighbour("cdp", "p1", Name("name", "name-2(SSI18)")),
    ],
)
def test_a_known_device_is_known_by_any_of_its_names(neighbour: Neighbour) -> None:
    (link,) = derive(TWO, of(told(1, neighbour), told(2))).links
    assert link.far_end(device("d1")).party == device("d2")


def test_names_and_addresses_of_another_site_mean_nobody_here() -> None:
    far = inventory([a_device(1), a_device(2, CLUB)])
    by_name = Neighbour("lldp", "p1", Name("name", "x"), name="name-2", address="10.0.0.2")
    assert derive(far, of(told(1, by_name), told(2))).links[0].ends[1].party.kind is Kind.STRANGER
    by_mac = hears(1, 2, "p1")
    assert derive(far, of(told(1, by_mac), told(2))).links[0].ends[1].party == device("d2")


def test_words_that_fit_two_things_mean_neither() -> None:
    twins = inventory([a_device(1), a_device(2), a_device(3)])
    second, third = told(2), replace(told(3), macs=(mac(2),), chassis=(), ports=())
    hearing = Neighbour("lldp", "p1", Name("mac", mac(2)))
    (link,) = derive(twins, of(told(1, hearing), second, third)).links
    assert link.ends[1].party.kind is Kind.STRANGER
    assert link.doubts == (Doubt.AMBIGUOUS,)
    helped = replace(hearing, address="10.0.0.3")
    (link,) = derive(twins, of(told(1, helped), second, third)).links
    assert link.ends[1].party == device("d3")


def test_hardware_and_network_address_of_different_things_are_told() -> None:
    three = inventory([a_device(1), a_device(2), a_device(3)])
    hearing = Neighbour("lldp", "p1", Name("mac", mac(2)), address="10.0.0.3")
    (link,) = derive(three, of(told(1, hearing), told(2), told(3))).links
    assert link.ends[1].party == device("d2")
    assert link.doubts == (Doubt.NAMES_DISAGREE,)


def test_a_cable_that_leads_back_is_a_loop_and_one_link() -> None:
    (link,) = derive(TWO, of(told(1, hears(1, 1, "p2"), hears(2, 1, "p1")))).links
    assert link.ends == (end(1, "p1"), end(1, "p2"))
    assert Doubt.LOOP in link.doubts
    assert (link.near_end(device("d1")).port, link.far_end(device("d1")).port) == ("p1", "p2")


def test_a_camera_behind_a_port_is_placed_by_the_table_of_the_bridge() -> None:
    with_camera = inventory([a_device(1), a_device(2)], [a_camera(1)])
    behind = (Behind("p4", cameras=("c1",), others=3), Behind("p8", devices=("d2",)))
    (link, other) = derive(with_camera, of(told(1, behind=behind))).links
    assert link == Link((End(camera("c1")), end(1, "p4")), (Evidence(Protocol.FDB, DeviceId("d1"), 1001, 3),))
    assert not link.is_heard
    assert not link.is_mutual
    assert other.ends == (end(1, "p8"), end(2))


def test_the_bridge_agrees_with_what_is_heard_even_through_a_bundle() -> None:
    one = told(1, hears(3, 2, "p5"), behind=(Behind("po1", devices=("d2",)),))
    bundled = tuple(replace(p, aggregate="po1") if p.name == "p3" else p for p in one.ports)
    (link,) = derive(TWO, of(replace(one, ports=(*bundled, Port("po1"))))).links
    assert link.doubts == ()
    assert {e.protocol for e in link.evidence} == {Protocol.LLDP, Protocol.FDB}
    assert [e.protocol for e in link.strongest] == [Protocol.LLDP]


def test_an_address_behind_another_port_than_it_is_heard_on_is_a_doubt() -> None:
    (link,) = derive(TWO, of(told(1, hears(3, 2, "p5"), behind=(Behind("p6", devices=("d2",)),)))).links
    assert link.ends == (end(1, "p3"), End(device("d2"), "p5"))
    assert link.doubts == (Doubt.SEEN_ELSEWHERE,)


def test_one_address_behind_ports_of_two_bridges_that_do_not_see_each_other_is_shown_twice() -> None:
    with_camera = inventory([a_device(1), a_device(2)], [a_camera(1)])
    behind = (Behind("p4", cameras=("c1",)),)
    links = derive(with_camera, of(told(1, behind=behind), told(2, behind=behind))).links
    assert [link.ends[1] for link in links] == [end(1, "p4"), end(2, "p4")]
    assert all(link.doubts == (Doubt.SEVERAL_PLACES,) for link in links)


def test_bridges_on_one_line_with_a_camera_hint_at_a_simple_switch_between() -> None:
    with_camera = inventory([a_device(1), a_device(2)], [a_camera(1)])
    one = told(1, behind=(Behind("p4", devices=("d2",), cameras=("c1",)),))
    two = told(2, behind=(Behind("p5", devices=("d1",), cameras=("c1",)),))
    links = derive(with_camera, of(one, two)).links
    assert [(link.ends, link.doubts) for link in links] == [
        ((End(camera("c1")), end(1, "p4")), (Doubt.SEVERAL_ON_PORT,)),
        ((End(camera("c1")), end(2, "p5")), (Doubt.SEVERAL_ON_PORT,)),
        ((end(1, "p4"), end(2, "p5")), ()),
    ]


@dataclass
class Village:
    """A true network: a tree of bridges, with cameras on some of their ports."""

    parents: list[int]
    hosts: list[int]
    edges: dict[tuple[int, int], int] = field(default_factory=dict)
    host_ports: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        used = [0] * (len(self.parents) + 1)

        def plug(bridge: int) -> int:
            used[bridge] += 1
            return used[bridge]

        for child, parent in enumerate(self.parents, start=1):
            self.edges[parent, child] = plug(parent)
            self.edges[child, parent] = plug(child)
        self.host_ports = [plug(bridge) for bridge in self.hosts]

    @property
    def bridges(self) -> range:
        return range(len(self.parents) + 1)

    def port_toward(self, bridge: int, target: int) -> int:
        """The port of `bridge` behind which `target` is."""
        path = [target]
        while path[-1] != 0:
            path.append(self.parents[path[-1] - 1])
        if bridge in path and bridge != target:
            return self.edges[bridge, path[path.index(bridge) - 1]]
        return self.edges[bridge, self.parents[bridge - 1]]

    def forwarding(self, bridge: int) -> tuple[Behind, ...]:
        seen: dict[int, tuple[list[str], list[str]]] = {}
        for other in self.bridges:
            if other != bridge:
                seen.setdefault(self.port_toward(bridge, other), ([], []))[0].append(f"d{other}")
        for number, at in enumerate(self.hosts):
            port = self.host_ports[number] if at == bridge else self.port_toward(bridge, at)
            seen.setdefault(port, ([], []))[1].append(f"c{number}")
        return tuple(Behind(f"p{port}", tuple(ds), tuple(cs)) for port, (ds, cs) in sorted(seen.items()))

    def hearing(self, bridge: int) -> tuple[Neighbour, ...]:
        return tuple(
            hears(port, other, f"p{self.edges[other, bridge]}")
            for (one, other), port in self.edges.items()
            if one == bridge
        )

    def inventory(self) -> Inventory:
        return inventory([a_device(n) for n in self.bridges], [a_camera(n) for n in range(len(self.hosts))])

    def cables(self) -> set[tuple[End, End]]:
        cables = set()
        for (one, other), port in self.edges.items():
            first, second = sorted((end(one, f"p{port}"), end(other, f"p{self.edges[other, one]}")))
            cables.add((first, second))
        return cables

    def plugs(self) -> set[tuple[End, End]]:
        pairs = zip(self.hosts, self.host_ports, strict=True)
        return {(End(camera(f"c{n}")), end(at, f"p{port}")) for n, (at, port) in enumerate(pairs)}


@st.composite
def villages(draw: st.DrawFn) -> Village:
    size = draw(st.integers(1, 8))
    parents = [draw(st.integers(0, child - 1)) for child in range(1, size)]
    return Village(parents, draw(st.lists(st.integers(0, size - 1), max_size=5)))


def reports(village: Village, lldp: set[int], fdb: set[int]) -> dict[DeviceId, Neighbourhood]:
    return of(
        *(
            told(
                n,
                *(village.hearing(n) if n in lldp else ()),
                behind=village.forwarding(n) if n in fdb else (),
                ports=16,
            )
            for n in village.bridges
        )
    )


def ends(found: Topology) -> set[tuple[End, End]]:
    return {link.ends for link in found.links}


@given(villages())
def test_tables_of_bridges_alone_give_the_true_network_when_all_of_them_tell(village: Village) -> None:
    found = derive(village.inventory(), reports(village, set(), set(village.bridges)))
    assert ends(found) == village.cables() | village.plugs()
    assert not any(link.doubts for link in found.links)
    assert {link.ends for link in found.links if link.is_mutual} == village.cables()


@given(villages())
def test_what_all_hear_is_the_true_network_from_both_sides(village: Village) -> None:
    found = derive(village.inventory(), reports(village, set(village.bridges), set()))
    assert ends(found) == village.cables()
    assert all(link.is_mutual and not link.doubts for link in found.links)


@given(villages(), st.data())
def test_nothing_that_is_heard_is_lost_or_invented_whoever_keeps_silent(village: Village, data: st.DataObject) -> None:
    some = st.sets(st.sampled_from(list(village.bridges)))
    lldp, fdb = data.draw(some), data.draw(some)
    found = derive(village.inventory(), reports(village, lldp, fdb))
    heard = {link.ends: link for link in found.links if link.is_heard}
    true = {cable for cable in village.cables() if {int(e.party.id[1:]) for e in cable} & lldp}
    assert set(heard) == true
    for cable, link in heard.items():
        assert link.is_mutual == ({int(e.party.id[1:]) for e in cable} <= lldp)
        # Nobody who speaks is contradicted by a bridge that tells the truth.
        assert Doubt.SEEN_ELSEWHERE not in link.doubts
        assert Doubt.PORTS_DIFFER not in link.doubts
    for link in found.links:
        assert {device(one.teller) for one in link.evidence} <= {e.party for e in link.ends}
        if not link.is_heard:
            # What a bridge sees is where it says: behind that very port.
            for one in link.evidence:
                near, far = link.near_end(device(one.teller)), link.far_end(device(one.teller))
                told_by = village.forwarding(int(one.teller[1:]))
                seen = next(b for b in told_by if b.port == near.port)
                assert far.party.id in (*seen.devices, *seen.cameras)
    # Each camera that anybody sees stands somewhere.
    if fdb:
        assert {camera(f"c{n}") for n in range(len(village.hosts))} <= {
            e.party for link in found.links for e in link.ends
        }


@given(villages(), st.randoms(use_true_random=False))
def test_the_order_of_telling_changes_nothing(village: Village, rng: random.Random) -> None:
    told_ = reports(village, set(village.bridges), set(village.bridges))
    shuffled = list(told_.items())
    rng.shuffle(shuffled)
    mixed = {}
    for id_, report in shuffled:
        neighbours, behind = list(report.neighbours), list(report.behind)
        rng.shuffle(neighbours)
        rng.shuffle(behind)
        mixed[id_] = replace(report, neighbours=tuple(neighbours), behind=tuple(behind))
    devices = list(village.inventory().devices)
    rng.shuffle(devices)
    shuffled_inventory = msgspec.structs.replace(village.inventory(), devices=tuple(devices))
    assert derive(shuffled_inventory, mixed) == derive(village.inventory(), told_)


words = st.sampled_from(["", "p1", "p2", "Port 1", "name-1", "name-2", "10.0.0.1", "10.0.0.2", "c1", "d1", "d2"])
macs = st.sampled_from(["", mac(1), mac(2), mac(3), mac(1, 1)])
wire_names = st.builds(Name, st.just("mac"), macs) | st.builds(Name, st.sampled_from(["name", "ip", "", "odd"]), words)
odd_neighbours = st.builds(
    Neighbour, st.sampled_from(["lldp", "cdp", "odd"]), words, wire_names, wire_names, words, words, words, words
)
odd_behind = st.builds(Behind, words, st.lists(words, max_size=3).map(tuple), st.lists(words, max_size=3).map(tuple))
odd_reports = st.builds(
    Neighbourhood,
    device=st.sampled_from(["d1", "d2", "d3", "gone"]).map(DeviceId),
    name=words,
    chassis=st.lists(wire_names, max_size=2).map(tuple),
    macs=st.lists(macs, max_size=3).map(tuple),
    ports=st.lists(st.builds(Port, words, st.lists(words, max_size=2).map(tuple), macs, words), max_size=4).map(tuple),
    neighbours=st.lists(odd_neighbours, max_size=5).map(tuple),
    behind=st.lists(odd_behind, max_size=4).map(tuple),
    whole=st.frozensets(st.sampled_from(["lldp", "cdp", "fdb"])),
)


@given(st.lists(odd_reports, max_size=4), st.randoms(use_true_random=False))
def test_whatever_devices_say_gives_links_whose_evidence_is_theirs(
    told_: list[Neighbourhood], rng: random.Random
) -> None:
    three = inventory([a_device(1), a_device(2), a_device(3)], [a_camera(1)])
    heard = of(*told_)
    found = derive(three, heard)
    assert len(set(found.links)) == len(found.links)
    for link in found.links:
        assert link.evidence
        assert list(link.ends) == sorted(link.ends)
        assert {device(one.teller) for one in link.evidence} <= {e.party for e in link.ends}
        assert all(one.teller in heard for one in link.evidence)
        for e in link.ends:
            assert e.party.kind is not Kind.STRANGER or e.party in found.strangers
    order = list(heard.items())
    rng.shuffle(order)
    assert derive(three, dict(order)) == found
