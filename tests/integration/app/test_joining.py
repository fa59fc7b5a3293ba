"""An agent joins a real centre over TLS, proves itself, and fetches its signed part; strangers get nothing."""

import asyncio
import contextlib
import functools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.uplink.config import UplinkConfig
from agents.uplink.connection import CentreConnection, PinnedConnection
from beket.access import tls
from beket.access.agent_key import AgentKey
from beket.access.community_key import CommunityKey
from beket.access.signing import Purpose
from beket.access.store import AccessStore, open_access_db
from beket.app import listen, web_agents, web_edge
from beket.app.machine import hello
from beket.app.wiring.agent_side import (
    AgentFiles,
    InventoryOnDisk,
    connect,
    join,
    load_identity,
    open_inventory_cache,
)
from beket.kernel.clock import SystemClock
from beket.kernel.errors import NotFound, Unauthenticated, Unreachable
from beket.kernel.ids import CommunityId, SiteId
from beket.sim.community import inventory
from beket.sim.places import MOHYLIV
from beket.testing.passwords import quick_passwords
from collector.inventory.signed import signed_part

SITE = SiteId("council-mohyliv")


@dataclass
class Centre:
    """A centre that runs in a thread."""

    access: AccessStore
    url: str
    pin: str

    def line(self) -> str:
        """A fresh join line."""
        return self.access.enrolment.create_join_token(SITE, centre_url=self.url, by="test").text().reveal()


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    keys = tmp_path / "keys"
    cert, key_file, pin = tls.server_files(keys, ["127.0.0.1"])
    community_key = CommunityKey.load_or_create(keys / "community.key")
    database = open_access_db(tmp_path / "access.db")
    access = AccessStore(
        database,
        clock=SystemClock(),
        boot_id="boot",
        community="mohyliv",
        community_key=community_key,
        pin=pin,
        passwords=quick_passwords(),
    )
    sign = functools.partial(community_key.sign, Purpose.INVENTORY_PART)
    known = inventory(MOHYLIV, version=7)
    app = web_edge.new_app()
    app.include_router(
        web_agents.router(
            access.enrolment,
            authenticate=web_agents.authenticate_with(access.enrolment),
            inventory_part=lambda site: (known.version, signed_part(known, site, sign)),
        )
    )
    sock = listen.bind("127.0.0.1", 0, place="test")
    with _serving(functools.partial(listen.serve, app, sock, tls=(cert, key_file))):
        yield Centre(access, f"https://127.0.0.1:{sock.getsockname()[1]}", pin)
    database.close()


def test_agent_joins_once_and_receives_its_signed_part(centre: Centre, tmp_path: Path) -> None:
    files = AgentFiles(tmp_path / "agent")
    line = centre.line()
    enrolled = join(files, line, clock=SystemClock())
    assert (enrolled.site, enrolled.community) == (SITE, "mohyliv")
    identity = load_identity(files)
    cache = open_inventory_cache(files, identity.enrolled)
    on_disk = InventoryOnDisk(files, identity.enrolled)
    assert on_disk.current().version == 0
    with connect(identity, UplinkConfig()) as connection:
        reply = connection.request("GET", "/agent/v1/inventory?have=-1")
        assert cache.put(reply.body)
        assert connection.request("GET", "/agent/v1/inventory?have=7").status == 304
    assert on_disk.reload()
    assert {camera.site for camera in on_disk.current().cameras} == {SITE}

    with pytest.raises(Unauthenticated):
        join(AgentFiles(tmp_path / "second"), line, clock=SystemClock())


def test_revoked_agent_is_refused_in_the_centres_own_words(centre: Centre, tmp_path: Path) -> None:
    files = AgentFiles(tmp_path / "agent")
    enrolled = join(files, centre.line(), clock=SystemClock())
    with connect(load_identity(files), UplinkConfig()) as connection:
        assert connection.request("GET", "/agent/v1/inventory").status == 200
        centre.access.enrolment.revoke(enrolled.agent, reason="lost", by="test")
        with pytest.raises(Unauthenticated, match="not recognised"):
            connection.request("GET", "/agent/v1/inventory")


def test_stranger_and_bare_requests_get_nothing(centre: Centre, tmp_path: Path) -> None:
    with contextlib.closing(PinnedConnection(centre.url, centre.pin)) as bare:
        assert bare.send("GET", "/agent/v1/inventory", headers={}).status == 401
        assert bare.send("GET", "/agent/v1/inventory", headers={"Authorization": "Bearer x"}).status == 401
        assert bare.send("GET", "/metrics", headers={}).status == 404
    files = AgentFiles(tmp_path / "agent")
    enrolled = join(files, centre.line(), clock=SystemClock())
    stranger = AgentKey.load_or_create(tmp_path / "other.key")
    with contextlib.closing(CentreConnection(stranger, enrolled)) as connection, pytest.raises(Unauthenticated):
        connection.request("GET", "/agent/v1/inventory")


def test_another_centre_at_the_same_address_is_found_out_before_a_byte_is_sent(centre: Centre, tmp_path: Path) -> None:
    with (
        contextlib.closing(PinnedConnection(centre.url, "f" * 64)) as connection,
        pytest.raises(Unauthenticated, match="another centre"),
    ):
        connection.send("GET", "/", headers={})


def test_centre_that_is_away_is_unreachable_and_nothing_is_kept(tmp_path: Path, centre: Centre) -> None:
    line = centre.access.enrolment.create_join_token(SITE, centre_url="https://127.0.0.1:9", by="test").text().reveal()
    files = AgentFiles(tmp_path / "agent")
    with pytest.raises(Unreachable):
        join(files, line, clock=SystemClock())
    with pytest.raises(NotFound):
        load_identity(files)


def test_machine_says_hello_with_this_release_and_boot() -> None:
    said = hello(SystemClock(), community=CommunityId("mohyliv"))
    assert said.software
    assert said.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@contextlib.contextmanager
def _serving(serve: "functools.partial[object]") -> Iterator[None]:
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def main() -> None:
        await serve(stop=stop)  # type: ignore[misc]

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
