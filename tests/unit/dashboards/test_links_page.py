"""Pages of links: what is plugged into what, in sentences; strangers' names for who looks after the network alone."""

import dataclasses

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from beket.access.roles import CEILING, Action, Role
from beket.access.store import AccessStore
from beket.app import web_edge
from beket.kernel.clock import NS_PER_S, wall_ns_of
from beket.kernel.ids import DeviceId
from beket.kernel.text import Text
from beket.sim.community import inventory
from beket.sim.places import MOHYLIV
from collector.topology.derive import Topology, derive
from collector.topology.links import Doubt, End, Evidence, Link, Protocol, camera, device
from collector.topology.told import Behind, Name, Neighbour, Neighbourhood, Port
from dashboards.web import pages
from dashboards.web.link_words import DOUBT_WORDS, evidence_sentence
from tests.unit.dashboards.test_pages import ADDRESS, HERE, NOW_AT, enter, real_parts
from tests.unit.dashboards.test_pages import access as access

SITE = "school-tsybulkivka"
SEEN_NS = wall_ns_of(NOW_AT) - 60 * NS_PER_S
WHOLE = frozenset({"ports", "lldp", "cdp", "fdb"})
STRANGER = Neighbour("lldp", "ge9", Name("mac", "02:00:00:00:00:99"), Name("name", "wan"), name="<b>taras</b>",
                     address="10.9.9.9", description="Desktop", seen_wall_ns=SEEN_NS)  # fmt: skip


def told(name: str, port: str, *neighbours: Neighbour, behind: tuple[Behind, ...] = ()) -> Neighbourhood:
    return Neighbourhood(
        device=DeviceId(name), name=name, ports=(Port(port),), neighbours=neighbours, behind=behind, whole=WHOLE
    )


def hears(port: str, name: str, far: str) -> Neighbour:
    return Neighbour("lldp", port, Name("name", name), Name("name", far), name=name, seen_wall_ns=SEEN_NS)


def topology() -> Topology:
    """The school's router and switch name each other; the switch sees a camera, and hears a stranger."""
    behind = (Behind("ge2", cameras=("school-yard",), seen_wall_ns=SEEN_NS),)
    router = told("router-school", "lan", hears("lan", "switch-school", "ge1"))
    switch = told("switch-school", "ge1", hears("ge1", "router-school", "lan"), STRANGER, behind=behind)
    return derive(inventory(MOHYLIV), {one.device: one for one in (router, switch)})


@pytest.fixture
def client(access: AccessStore) -> TestClient:
    app: FastAPI = web_edge.new_app()
    app.include_router(pages.router(dataclasses.replace(real_parts(access), topology=topology)))
    return TestClient(app, base_url=ADDRESS, client=HERE, follow_redirects=False)


def test_a_site_is_a_tree_from_the_router_down_with_a_sentence_for_each_link(
    client: TestClient, access: AccessStore
) -> None:
    enter(client, access, "it")
    page = client.get(f"/links/{SITE}").text
    places = [page.index(words) for words in ("Маршрутизатор школи", "Комутатор школи", "Шкільне подвір")]
    assert places == sorted(places)
    assert "порт lan → порт ge1" in page
    assert "Обидва пристрої кажуть про це (LLDP)." in page
    assert "Лише Комутатор школи бачить цю адресу на порту ge2." in page
    assert "невідомий пристрій «&lt;b&gt;taras&lt;/b&gt;»" in page
    assert "<b>taras" not in page
    things = [one for one in (*inventory(MOHYLIV).devices, *inventory(MOHYLIV).cameras) if one.site == SITE]
    assert f"з чим вони з&#39;єднані: 3 із {len(things)}." in page
    assert "ДБЖ школи" in page
    assert "Only Комутатор школи sees this address" in client.get(f"/links/{SITE}?lang=en").text


def test_a_device_lists_its_neighbours_by_port(client: TestClient, access: AccessStore) -> None:
    enter(client, access, "it")
    page = client.get("/equipment/switch-school").text
    page = page[page.index("Сусіди") :]
    places = [page.index(f'<th scope="row">{port}</th>') for port in ("ge1", "ge2", "ge9")]
    assert places == sorted(places)
    assert 'href="/equipment/router-school"' in page
    assert "його порт lan" in page
    assert "10.9.9.9, 02:00:00:00:00:99, Desktop" in page
    assert f'href="/links/{SITE}"' in page
    assert "нікого не називає" in client.get("/equipment/ups-school").text
    assert client.get("/links/nowhere").status_code == 404


def test_the_equipment_page_leads_to_the_sites_of_which_something_is_known(
    client: TestClient, access: AccessStore
) -> None:
    enter(client, access, "it")
    page = client.get("/equipment").text
    assert f'href="/links/{SITE}"' in page
    assert 'href="/links/council-mohyliv"' not in page
    nothing = client.get("/links/council-mohyliv").text
    assert "ще не відомо" in nothing
    assert "Маршрутизатор сільради" in nothing


@pytest.mark.parametrize("role", list(Role))
def test_links_are_for_who_sees_the_site_and_strangers_for_who_looks_after_it(
    client: TestClient, access: AccessStore, role: Role
) -> None:
    enter(client, access, role.value)
    for address in (f"/links/{SITE}", "/equipment/switch-school"):
        answer = client.get(address)
        assert (answer.status_code == 200) is (Action.SEE_STATUS in CEILING[role])
        assert answer.status_code in (200, 403)
        may_know = Action.EDIT_INVENTORY in CEILING[role]
        for words in ("taras", "10.9.9.9", "02:00:00:00:00:99"):
            assert (words in answer.text) is (may_know and answer.status_code == 200)
    other = client.get("/links/council-mohyliv").status_code
    assert other == (200 if str(CEILING[role].get(Action.SEE_STATUS, "")) == "everywhere" else 403)


def test_a_thing_of_a_site_that_one_may_not_see_has_no_name(client: TestClient, access: AccessStore) -> None:
    away = hears("wan", "x", "eth1")
    far = told("router-council", "eth1", hears("eth1", "y", "wan"))
    far = dataclasses.replace(far, macs=("02:00:00:00:00:55",))
    away = dataclasses.replace(away, chassis=Name("mac", "02:00:00:00:00:55"))
    found = derive(inventory(MOHYLIV), {DeviceId("router-school"): told("router-school", "wan", away), far.device: far})
    app = web_edge.new_app()
    app.include_router(pages.router(dataclasses.replace(real_parts(access), topology=lambda: found)))
    reader = TestClient(app, base_url=ADDRESS, client=HERE, follow_redirects=False)
    enter(reader, access, "technician")
    page = reader.get("/equipment/router-school").text
    assert "пристрій іншого об’єкта" in page
    assert "Маршрутизатор сільради" not in page
    assert "eth1" not in page
    enter(reader, access, "it")
    assert "Маршрутизатор сільради" in reader.get("/equipment/router-school").text


R, S = DeviceId("r"), DeviceId("s")
ENDS = (End(device(R), "lan"), End(device(S), "ge1"))


def sentence(*evidence: Evidence) -> str:
    return evidence_sentence(Link(ENDS, tuple(sorted(evidence))), lambda party: Text(party.id.upper(), party.id)).uk


def test_each_kind_of_evidence_has_its_sentence() -> None:
    hear_r, hear_s = Evidence(Protocol.LLDP, R, 1), Evidence(Protocol.CDP, S, 1)
    see_r, see_s = Evidence(Protocol.FDB, R, 1), Evidence(Protocol.FDB, S, 1, 2)
    assert sentence(hear_r, hear_s) == "Обидва пристрої кажуть про це (CDP, LLDP)."
    assert sentence(hear_r, see_s) == "Про це каже лише R (LLDP)."
    assert sentence(see_r, see_s) == "Обидва пристрої бачать адреси одне одного за цими портами."
    assert sentence(see_r) == "Лише R бачить цю адресу на порту lan."
    assert "простий комутатор" in sentence(see_s)
    alone = Link((End(camera("c")), ENDS[0]), (see_r,))
    assert (
        evidence_sentence(alone, lambda party: Text(party.id, party.id)).en == "Only r sees this address on port lan."
    )


def test_every_doubt_has_words_in_both_languages() -> None:
    assert set(DOUBT_WORDS) == set(Doubt)
    assert all(words.uk != words.en for words in DOUBT_WORDS.values())
