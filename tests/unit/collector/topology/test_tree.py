from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.ids import DeviceId
from beket.kernel.inventory import DeviceKind
from collector.topology.links import Doubt, End, Evidence, Kind, Link, Party, Protocol, camera, device
from collector.topology.tree import Branch, site_tree

ROUTER, SWITCH, RADIO, YARD = device("router"), device("switch"), device("radio"), camera("yard")
STRANGER = Party(Kind.STRANGER, "02:00:00:00:00:09")
KINDS = {ROUTER: DeviceKind.ROUTER, SWITCH: DeviceKind.SWITCH, RADIO: DeviceKind.RADIO_LINK}


def link(one: End, other: End, *tellers: str, by: Protocol = Protocol.LLDP, doubts: tuple[Doubt, ...] = ()) -> Link:
    first, second = sorted((one, other))
    return Link((first, second), tuple(Evidence(by, DeviceId(teller), 1) for teller in tellers), doubts)


UP = link(End(ROUTER, "lan"), End(SWITCH, "ge1"), "router", "switch")
CAMERA = link(End(SWITCH, "ge10"), End(YARD), "switch", by=Protocol.FDB)
PHONE = link(End(SWITCH, "ge2"), End(STRANGER, "wan"), "switch")


def test_the_tree_grows_from_the_router_and_ports_stand_in_the_order_of_their_numbers() -> None:
    tree = site_tree({ROUTER, SWITCH, YARD, RADIO}, [CAMERA, UP, PHONE], KINDS)
    assert tree.branches == (
        Branch(ROUTER, 0), Branch(SWITCH, 1, UP), Branch(STRANGER, 2, PHONE), Branch(YARD, 2, CAMERA),
    )  # fmt: skip
    assert tree.besides == ()
    assert tree.apart == (RADIO,)


def test_a_ring_is_cut_at_its_weakest_link_which_stands_besides() -> None:
    sure = link(End(SWITCH, "ge3"), End(RADIO, "eth"), "switch", "radio")
    weak = link(End(ROUTER, "opt"), End(RADIO, "eth2"), "router")
    tree = site_tree({ROUTER, SWITCH, RADIO}, [weak, sure, UP], KINDS)
    assert [branch.link for branch in tree.branches] == [None, UP, sure]
    assert tree.besides == (weak,)


def test_what_is_seen_in_several_places_leads_nowhere_while_there_is_another_way() -> None:
    doubtful = link(End(ROUTER, "x"), End(YARD), "router", by=Protocol.FDB, doubts=(Doubt.SEVERAL_PLACES,))
    tree = site_tree({ROUTER, SWITCH, YARD}, [doubtful, CAMERA, UP], KINDS)
    assert Branch(YARD, 2, CAMERA) in tree.branches
    assert tree.besides == (doubtful,)


def test_without_a_router_the_switch_is_the_root_and_islands_have_roots_of_their_own() -> None:
    island = link(End(RADIO, "a"), End(device("other"), "b"), "radio")
    tree = site_tree({SWITCH, YARD, RADIO, device("other")}, [CAMERA, island], KINDS)
    assert [branch.party for branch in tree.branches if branch.link is None] == [SWITCH, device("other")]


def test_a_link_to_another_site_is_not_of_this_tree_and_a_loop_stands_besides() -> None:
    away = link(End(ROUTER, "wan"), End(device("far"), "x"), "router")
    loop = link(End(SWITCH, "ge7"), End(SWITCH, "ge8"), "switch", doubts=(Doubt.LOOP,))
    tree = site_tree({ROUTER, SWITCH}, [away, loop, UP], KINDS)
    assert [branch.party for branch in tree.branches] == [ROUTER, SWITCH]
    assert tree.besides == (loop,)


parties = st.sampled_from([device(f"d{n}") for n in range(5)] + [camera("c1"), STRANGER])
any_links = st.lists(
    st.builds(
        lambda one, other, ports, doubts: link(
            End(one, ports[0]), End(other, ports[1]), one.id, doubts=tuple(sorted(doubts))
        ),
        parties, parties, st.tuples(st.sampled_from("abc"), st.sampled_from("abc")),
        st.sets(st.sampled_from(Doubt), max_size=2),
    ),
    max_size=12,
)  # fmt: skip


@given(any_links, st.dictionaries(parties, st.sampled_from(DeviceKind)))
def test_everybody_stands_once_below_who_is_linked_and_no_link_is_lost(
    links: list[Link], kinds: dict[Party, DeviceKind]
) -> None:
    known = {device(f"d{n}") for n in range(5)} | {camera("c1")}
    tree = site_tree(known, links, kinds)
    placed = [branch.party for branch in tree.branches]
    assert len(placed) == len(set(placed))
    assert set(placed) - {STRANGER} | set(tree.apart) == known
    assert not set(placed) & set(tree.apart)
    used = {branch.link for branch in tree.branches if branch.link is not None}
    relevant = {one for one in links if {end.party for end in one.ends} & known}
    assert used | set(tree.besides) == relevant
    stack: list[Party] = []
    for branch in tree.branches:
        del stack[branch.depth :]
        if branch.link is not None:
            assert branch.link.far_end(branch.party).party == stack[-1]
        stack.append(branch.party)
