"""The links of the training community: from its gear's own answers, by the way that they travel, to the tree."""

import asyncio
import random
from pathlib import Path

import msgspec

from agents.facts.book import FactBook
from agents.facts.messages import FACTS_PATH
from agents.facts.teller import FactTeller
from agents.network.device_poll import DevicePolls
from agents.network.icmp import Pinger
from agents.network.metrics import METRICS
from agents.network.module_files import load_shipped
from agents.network.neighbours.look import Looker
from agents.network.neighbours.rounds import Rounds
from agents.network.snmp.backends import Backends
from beket.kernel.clock import SystemClock
from beket.kernel.database import Database
from beket.kernel.ids import AgentId, DeviceId, SiteId
from beket.kernel.inventory import Inventory
from beket.kernel.metrics import Catalogue, Instruments
from beket.kernel.secrets import SecretFolder
from beket.sim.community import Simulation, inventory, new_logins
from beket.sim.places import MOHYLIV
from collector.devices.store import FactStore
from collector.inventory.tables import FACTS_MIGRATIONS
from collector.topology.links import Kind, camera, device
from collector.topology.tree import site_tree
from collector.topology.view import TopologyView

SCHOOL = SiteId("school-tsybulkivka")


class Known:
    """An inventory whose devices answer where the test put them."""

    def __init__(self, at: Inventory) -> None:
        self.at = at

    def current(self) -> Inventory:
        return self.at


async def look_at_the_school(folder: Path, clock: SystemClock, known: Known) -> FactBook:
    """What the school's agent would find: its gear asked over UDP, all devices in one round."""
    simulation = Simulation(MOHYLIV, clock=clock, logins=new_logins(MOHYLIV), daylight="day")
    part = known.current().part_of(SCHOOL)
    devices = []
    for one in part.devices:
        port = await simulation.agents[one.id].start("127.0.0.1", 0)
        devices.append(msgspec.structs.replace(one, address=f"127.0.0.1:{port}"))
    modules = load_shipped(Catalogue(METRICS))
    snmp, pinger = Backends(clock=clock, rng=random.Random(1)), Pinger(clock=clock, rng=random.Random(1))
    polls = DevicePolls(
        snmp=snmp, pinger=pinger, modules=modules, secrets=SecretFolder(folder), clock=clock, timeout_s=30
    )
    book = FactBook(folder / "facts.json", clock=clock)
    rounds = Rounds(
        looker=Looker(snmp, modules[1].tables[0]),
        target_of=polls.target,
        tell=lambda one, source, facts, is_whole: book.note(one, source, facts, is_whole=is_whole),
        arp=dict,
        clock=clock,
        rng=random.Random(1),
    )
    try:
        rounds.apply(msgspec.structs.replace(part, devices=tuple(devices)))
        await rounds.look(devices)
    finally:
        snmp.close()
        pinger.close()
        for agent in simulation.agents.values():
            agent.close()
    return book


def test_the_gear_of_the_school_tells_how_it_is_joined_and_the_centre_draws_it(tmp_path: Path) -> None:
    clock, known = SystemClock(), Known(inventory(MOHYLIV))
    book = asyncio.run(look_at_the_school(tmp_path, clock, known))
    database = Database(tmp_path / "facts.db", migrations=FACTS_MIGRATIONS)
    store = FactStore(database, known, instruments=Instruments(), clock=clock)

    def post(path: str, body: bytes) -> bytes:
        assert path == FACTS_PATH
        return store.take(SCHOOL, AgentId("school-1"), body)

    FactTeller(book, post).tell()
    topology = TopologyView(lambda source: store.facts(source=source), known, clock=clock).current()
    database.close()

    cable = next(link for link in topology.links if all(end.party.kind is Kind.DEVICE for end in link.ends))
    assert [(end.party, end.port) for end in cable.ends] == [
        (device("router-school"), "lan"),
        (device("switch-school"), "ge1"),
    ]
    assert cable.is_mutual
    assert {link.ends[0].party for link in topology.links} >= {camera("school-yard"), camera("school-street")}
    assert not any(link.doubts for link in topology.links)
    assert not topology.strangers
    kinds = {device(one.id): one.kind for one in known.current().devices}
    parties = {device(one.id) for one in known.current().devices if one.site == SCHOOL}
    parties |= {camera(one.id) for one in known.current().cameras if one.site == SCHOOL}
    tree = site_tree(parties, topology.links, kinds)
    drawn = [(branch.depth, branch.party.id) for branch in tree.branches]
    assert drawn[:2] == [(0, "router-school"), (1, "switch-school")]
    assert {(2, "school-yard"), (2, "school-street")} <= set(drawn)
    assert device(DeviceId("ups-school")) in tree.apart
