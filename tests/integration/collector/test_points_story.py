"""A real agent's ports, from SNMP through the spool and over HTTP to what Prometheus reads."""

import asyncio
import random
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx2 as httpx
import pytest
import uvicorn
from fastapi import FastAPI, Header, Request, Response
from prometheus_client.parser import text_string_to_metric_families

from agents.network import metrics as network_metrics
from agents.network.device_poll import DevicePolls
from agents.network.icmp import Pinger
from agents.network.module_files import load_shipped
from agents.network.poller import Poller, Schedule
from agents.network.snmp.engine import UdpEngine
from agents.spool import metrics as spool_metrics
from agents.spool.sender import Sender
from agents.spool.spool import Spool
from beket.kernel.clock import SystemClock
from beket.kernel.errors import BeketError, Unauthenticated, Unreachable
from beket.kernel.ids import AgentId, CommunityId, DeviceId, SiteId
from beket.kernel.inventory import Device
from beket.kernel.metrics import Catalogue, Instruments, Point
from beket.kernel.secrets import SecretFolder
from beket.kernel.wire import MESSAGE_MAX_BYTES
from beket.testing.process import wait_for
from beket.testing.snmpd import snmpd
from collector import metrics as collector_metrics
from collector.ingest import Ingest
from collector.sinks.exposition import Exposition
from collector.store.samples import SampleStore
from collector.web import agent_router, metrics_router

CATALOGUE = Catalogue([*network_metrics.METRICS, *spool_metrics.METRICS, *collector_metrics.METRICS])


@dataclass(frozen=True)
class Principal:
    site: SiteId
    agent: AgentId


def authenticate(authorization: Annotated[str, Header()] = "") -> Principal:
    if authorization != "Bearer school-session":
        raise Unauthenticated("who are you")
    return Principal(SiteId("school"), AgentId("agent-school"))


def guard_metrics(authorization: Annotated[str, Header()] = "") -> None:
    if authorization != "Bearer prometheus":
        raise Unauthenticated("who are you")


class Centre:
    """The collector behind its real routes, on a real port."""

    def __init__(self, folder: Path) -> None:
        self.store = SampleStore(folder / "samples.db")
        instruments, clock = Instruments(unit="polling"), SystemClock()
        ingest = Ingest(catalogue=CATALOGUE, store=self.store, instruments=instruments, clock=clock, kept_s=14 * 86_400)
        exposition = Exposition(
            community=CommunityId("dolyna"),
            catalogue=CATALOGUE,
            store=self.store,
            instruments=instruments,
            clock=clock,
        )
        app = FastAPI()
        app.include_router(agent_router(ingest, authenticate=authenticate))
        app.include_router(metrics_router(exposition, guard=guard_metrics))
        app.add_exception_handler(BeketError, _as_status)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listening]})
        self._thread.start()
        host, port = self._listening.getsockname()
        self.client = httpx.Client(base_url=f"http://{host}:{port}", trust_env=False)
        self.is_cut = False

    def close(self) -> None:
        self.client.close()
        self._server.should_exit = True
        self._thread.join()
        self._listening.close()
        self.store.close()

    def post(self, path: str, body: bytes) -> bytes:
        if self.is_cut:
            raise Unreachable("the line is cut")
        response = self.client.post(path, content=body, headers={"Authorization": "Bearer school-session"})
        return response.raise_for_status().content

    def metrics(self) -> dict[tuple[str, str], float]:
        """(name, port or "") → value, as Prometheus reads it."""
        page = self.client.get("/metrics", headers={"Authorization": "Bearer prometheus"}).raise_for_status()
        return {
            (sample.name, sample.labels.get("port", "")): sample.value
            for family in text_string_to_metric_families(page.text)
            for sample in family.samples
            if sample.labels["community"] == "dolyna"
        }


async def _as_status(_: Request, error: Exception) -> Response:
    assert isinstance(error, BeketError)
    return Response(error.sentence().uk, status_code=error.handling.http_status)


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    made = Centre(tmp_path / "centre")
    yield made
    made.close()


@pytest.mark.needs("snmpd", "ping")
def test_a_switch_is_seen_by_prometheus_and_an_outage_loses_nothing(tmp_path: Path, centre: Centre) -> None:
    instruments, clock, rng = Instruments(unit="polling"), SystemClock(), random.Random()
    spool = Spool(tmp_path / "spool", site=SiteId("school"), cap_bytes=10**7, instruments=instruments)
    sender = Sender(spool, centre.post)

    def polled() -> bool:
        return spool.pending() > 60

    async def poll_for_a_while(address: str) -> None:
        engine, pinger = UdpEngine(clock=clock, rng=rng), Pinger(clock=clock, rng=rng)
        modules = load_shipped(CATALOGUE)
        secrets = SecretFolder(tmp_path)
        polls = DevicePolls(snmp=engine, pinger=pinger, modules=modules, secrets=secrets, clock=clock)
        schedule = Schedule(interval_s=0.3, spread_s=0, flush_s=0.1)
        poller = Poller(polls=polls, sink=spool, instruments=instruments, clock=clock, rng=rng, schedule=schedule)
        poller.apply([Device(id=DeviceId("sw"), site=SiteId("school"), name="Комутатор", address=address)])
        running = asyncio.create_task(poller.run())
        await asyncio.to_thread(wait_for, polled, what="points in the spool")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        engine.close()
        pinger.close()

    centre.is_cut = True
    with snmpd() as agent:
        asyncio.run(poll_for_a_while(agent.address))
    with pytest.raises(Unreachable):
        sender.run_once()
    waiting = spool.pending()
    centre.is_cut = False

    assert sender.run_once() > 0
    assert spool.pending() == 0
    seen = centre.metrics()
    assert seen["device_up_ratio", ""] == 1
    assert seen["device_ping_loss_ratio", ""] == 0
    assert seen["port_up_ratio", "lo"] == 1
    assert seen["port_in_bytes_total", "lo"] > 0
    assert seen["spool_size_bytes", ""] > 0
    assert seen["collector_accepted_points_total", ""] == waiting
    assert ("collector_refused_points_total", "") not in seen
    (lo,) = centre.store.query("port_in_bytes_total", {"port": "lo"}, start_ns=0, end_ns=2**62)
    assert lo.times_ms == sorted(lo.times_ms)
    assert lo.values == sorted(lo.values)


def test_an_answer_lost_on_the_way_does_not_double_a_batch(tmp_path: Path, centre: Centre) -> None:
    spool = Spool(tmp_path / "spool", site=SiteId("school"), cap_bytes=10**7, instruments=Instruments(unit="polling"))
    now_ns = SystemClock().wall_ns()
    labels = (("site", "school"), ("device", "sw"))
    spool.put([Point("device_up_ratio", labels, now_ns, 1.0)])

    def lossy(path: str, body: bytes) -> bytes:
        centre.post(path, body)
        raise Unreachable("cut while the receipt was on its way")

    with pytest.raises(Unreachable):
        Sender(spool, lossy).run_once()
    spool.put([Point("device_up_ratio", labels, now_ns + 10**9, 0.0)])
    assert Sender(spool, centre.post).run_once() == 2
    seen = centre.metrics()
    assert seen["collector_accepted_points_total", ""] == 2
    assert seen["collector_repeated_batches_total", ""] == 1
    assert seen["device_up_ratio", ""] == 0


def test_the_doors_are_closed_to_strangers_and_to_nonsense(centre: Centre) -> None:
    agent = {"Authorization": "Bearer school-session"}
    assert centre.client.post("/agent/v1/points", content=b"{}").status_code == 401
    assert centre.client.get("/metrics").status_code == 401
    assert centre.client.get("/metrics", headers=agent).status_code == 401
    assert centre.client.post("/agent/v1/points", content=b"not json", headers=agent).status_code == 502
    too_long = b" " * (MESSAGE_MAX_BYTES + 1)
    assert centre.client.post("/agent/v1/points", content=too_long, headers=agent).status_code == 502
    with pytest.raises(httpx.HTTPStatusError):
        centre.post("/agent/v1/points", b"[]")
