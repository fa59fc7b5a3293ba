import dataclasses
import ipaddress

import pytest

from beket.kernel.clock import SimulatedClock
from beket.kernel.ids import is_slug
from beket.sim.community import Simulation, inventory, new_logins
from beket.sim.places import COUNCIL, MOHYLIV
from beket.sim.specs import SimulatedCommunity


def test_every_camera_may_record_and_every_id_is_a_slug() -> None:
    has = inventory(MOHYLIV)
    assert has.cameras
    assert all(camera.may_record() for camera in has.cameras)
    ids = [has.community.id, *(x.id for group in (has.sites, has.devices, has.cameras) for x in group)]
    assert all(is_slug(each) for each in ids)
    assert len(set(ids)) == len(ids)
    assert {x.site for group in (has.devices, has.cameras) for x in group} <= {site.id for site in has.sites}


def test_addresses_are_loopback_and_nobody_shares_one_even_between_sites() -> None:
    other = dataclasses.replace(COUNCIL, battery_lasts_s=60)
    has = inventory(SimulatedCommunity("two", "Дві садиби", (COUNCIL, other)))
    hosts = [d.address.split(":")[0] for d in has.devices] + [c.url.split("/")[2].split(":")[0] for c in has.cameras]
    assert all(ipaddress.ip_address(host).is_loopback for host in hosts)
    assert len(set(hosts)) == len(hosts) == 2 * (len(COUNCIL.gear) + len(COUNCIL.cameras))


def test_logins_are_fresh_and_name_what_the_inventory_names() -> None:
    logins, again = new_logins(MOHYLIV), new_logins(MOHYLIV)
    assert set(logins) == {camera.secret for camera in inventory(MOHYLIV).cameras}
    assert all(logins[name] != again[name] for name in logins)
    assert all(len(login.reveal().partition(":")[2]) >= 16 for login in logins.values())


def test_community_has_a_light_switch_for_each_site() -> None:
    simulation = Simulation(MOHYLIV, clock=SimulatedClock(), logins=new_logins(MOHYLIV))
    site = COUNCIL.site.id
    assert simulation.has_light(site)
    simulation.switch_off(site)
    assert not simulation.has_light(site)
    dark = {id_ for id_, camera in simulation.cameras.items() if not camera.is_on}
    assert dark == {spec.id for spec in COUNCIL.cameras}
    simulation.switch_on(site)
    assert all(camera.is_on for camera in simulation.cameras.values())
    with pytest.raises(KeyError):
        simulation.switch_off("nowhere")
