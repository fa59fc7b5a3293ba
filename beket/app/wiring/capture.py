"""The capture process of a site agent: cameras are recorded into the edge store, recordings travel to the centre."""

import asyncio
import functools
import random
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from agents.cameras import metrics as camera_metrics
from agents.cameras.capture import Capture, Pace
from agents.cameras.maintenance import ExplainedSink, in_maintenance
from agents.cameras.memory import keep_freed_memory
from agents.cameras.stops import begin_run, end_run, why_stopped
from agents.spool.sender import Sender
from agents.spool.spool import Spool
from agents.uplink.budget import Budget
from agents.uplink.bulk import Centre, SegmentUploader
from agents.uplink.holds import HoldsWatch
from agents.uplink.live import BACKOFF as LIVE_BACKOFF
from agents.uplink.messages import HeldTime
from agents.uplink.seals import SealCourier
from beket.app.config import AgentConfig
from beket.app.process import run_until
from beket.app.release import VERSION
from beket.app.wiring.agent_side import AgentFiles, InventoryOnDisk, connect, load_identity
from beket.app.wiring.live_site import live_uplink
from beket.app.wiring.recordings import open_recordings
from beket.app.wiring.retention import Retention
from beket.kernel.clock import NS_PER_S, Clock, read_boot_id
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import PointSink
from beket.kernel.secrets import SecretFolder
from beket.kernel.supervise import keep_running
from beket.kernel.units import KIB
from vms.recordings.backlog import Backlog
from vms.recordings.held import HeldSpan
from vms.recordings.seal_index import UnsentSeal
from vms.recordings.sealing import Sealer
from vms.recordings.store import Store
from vms.recordings.trimming import Trimmer
from vms.recordings.writer import Recorder

INVENTORY_EVERY_S = 2
STATUS_EVERY_S = 5
SEAL_CHECK_EVERY_S = 60
# Not while everything starts.
TRIM_AFTER_S = 1800
TRIM_EVERY_S = 86_400
UPLOAD_EVERY_S = 2
HOLDS_EVERY_S = 20
BURST_BYTES = 256 * KIB
# Recordings go on also where copies were given the whole line.
LEAST_LEFT_RATIO = 0.05


async def run_capture(config: AgentConfig, *, clock: Clock, rng: random.Random, stop: asyncio.Event) -> None:
    """Be the capture process until `stop` is set; every open recording is closed before this returns.

    Raises:
        NotFound: this agent has not joined a centre.
        InvalidConfig: the recordings' folder is not the disk that it was.
    """
    files = AgentFiles(config.data)
    identity = load_identity(files)
    enrolled = identity.enrolled
    instruments = Instruments(site=enrolled.site, unit="capture")
    keep_freed_memory()
    with ExitStack() as stack:
        inventory = InventoryOnDisk(files, enrolled)
        run = {"boot_id": read_boot_id(), "software": VERSION}
        opened = open_recordings(
            config.recordings,
            database=config.data / "video.db",
            community=enrolled.community,
            site=enrolled.site,
            stopped=why_stopped(files.run_mark, **run),
        )
        store = stack.enter_context(opened)
        begin_run(files.run_mark, **run)
        stack.callback(end_run, files.run_mark, **run)
        sealer = Sealer(store, identity.key, clock=clock)
        trimmer = Trimmer(store, identity.key, clock=clock)
        stack.callback(sealer.seal_all)  # after the recorder has closed its last segments
        recorder = Recorder(store, clock=clock, instruments=instruments, segment_s=config.cameras.segment_s)
        stack.callback(recorder.close)
        pace = Pace(
            tick_s=config.cameras.tick_ms / 1000,
            idle_tick_s=config.cameras.idle_tick_ms / 1000,
            rpo_s=config.cameras.rpo_s,
        )
        budget = Budget(rate_bps=recordings_rate_bps(config), burst_bytes=BURST_BYTES, clock=clock)
        live = live_uplink(
            identity,
            stack.enter_context(connect(identity, config.uplink)),
            clock=clock,
            budget=budget,
            instruments=instruments,
            timeout_s=config.uplink.timeout_s,
        )
        sink = ExplainedSink(recorder, clock=clock)
        capture = Capture(sink=sink, secrets=SecretFolder(config.secrets), clock=clock, rng=rng, pace=pace, tap=live)
        spool = Spool(
            files.spool("capture"), site=enrolled.site, cap_bytes=config.spool.cap_bytes, instruments=instruments
        )
        sender = Sender(spool, stack.enter_context(connect(identity, config.uplink)).post)
        backlog, lines = Backlog(store, inventory), [connect(identity, config.uplink) for _ in range(2)]
        uploader = SegmentUploader(backlog, stack.enter_context(lines[0]), budget=budget, clock=clock)
        seals = SealCourier(backlog, stack.enter_context(lines[1]), budget=budget, clock=clock)
        retention = Retention(store, inventory, config.recordings, edge=True, clock=clock, instruments=instruments)
        held = holds_watch(stack.enter_context(connect(identity, config.uplink)), store, retention)
        supervised = functools.partial(keep_running, clock=clock, rng=rng)
        await run_until(
            stop,
            {
                "capture": capture.run(),
                "inventory": supervised("inventory", functools.partial(follow, inventory, capture, clock=clock)),
                "maintenance": supervised(
                    "maintenance", functools.partial(follow_maintenance, files.maintenance, sink, clock=clock)
                ),
                "status": supervised("status", functools.partial(report, capture, instruments, spool, clock=clock)),
                "points": supervised(
                    "points", functools.partial(sender.run, clock=clock, every_s=config.spool.every_s)
                ),
                "live": supervised("live", live.run_once, backoff=LIVE_BACKOFF),
                "uplink": supervised("uplink", functools.partial(upload, uploader, clock=clock)),
                "holds": supervised("holds", functools.partial(ask_for_holds, held, clock=clock)),
                **retention.units(rng=rng),
                "sealing": supervised("sealing", functools.partial(seal, sealer, trimmer, clock=clock)),
                "seals": supervised("seals", functools.partial(bring_seals, seals, clock=clock)),
            },
        )


def recordings_rate_bps(config: AgentConfig) -> int:
    """What recordings and live pictures may take of the site's line: what copies that go over it leave.

    Copies are made by another process, which takes its share by itself; so the line is divided once and for all.
    """
    rate_bps = config.uplink.rate_kbps * 1000
    is_over_the_line = bool(config.backup.plans) and not Path(config.backup.repository).is_absolute()
    left_ratio = 1 - config.backup.uplink_share if is_over_the_line else 1
    return max(1, round(rate_bps * max(left_ratio, LEAST_LEFT_RATIO)))


async def follow(inventory: InventoryOnDisk, capture: Capture, *, clock: Clock) -> None:
    """Record what the inventory names, each time that it changes."""
    capture.apply(inventory.current().cameras)
    while True:
        await clock.sleep(INVENTORY_EVERY_S)
        if await asyncio.to_thread(inventory.reload):
            capture.apply(inventory.current().cameras)


async def follow_maintenance(path: Path, sink: ExplainedSink, *, clock: Clock) -> None:
    """Let gaps be called maintenance while people are at work."""
    while True:
        sink.set_maintenance(await asyncio.to_thread(in_maintenance, path, clock=clock))
        await clock.sleep(INVENTORY_EVERY_S)


async def report(capture: Capture, instruments: Instruments, sink: PointSink, *, clock: Clock) -> None:
    """Put how each camera stands, and this process's own numbers, among the samples."""
    while True:
        await clock.sleep(STATUS_EVERY_S)
        wall_ns = clock.wall_ns()
        points = camera_metrics.points(capture.statuses(), wall_ns=wall_ns) + instruments.read(wall_ns)
        await asyncio.to_thread(sink.put, points)


async def seal(sealer: Sealer, trimmer: Trimmer, *, clock: Clock) -> None:
    """Sign what was recorded, each camera once an hour; once a day take out what is signed of what is deleted."""
    trim_at_ns = clock.mono_ns() + TRIM_AFTER_S * NS_PER_S
    while True:
        await asyncio.to_thread(sealer.run_once)
        if clock.mono_ns() >= trim_at_ns:
            trim_at_ns = clock.mono_ns() + TRIM_EVERY_S * NS_PER_S
            await asyncio.to_thread(trimmer.run_once)
        await clock.sleep(SEAL_CHECK_EVERY_S)


async def bring_seals(seals: SealCourier[UnsentSeal], *, clock: Clock) -> None:
    """Bring what was signed to the centre, for ever."""
    while True:
        if not await asyncio.to_thread(seals.run_once):
            await clock.sleep(SEAL_CHECK_EVERY_S)


def keep_held(store: Store, times: Sequence[HeldTime]) -> None:
    """Make what the centre holds durable here."""
    store.hold_exactly(
        [HeldSpan(CameraId(one.camera), one.hold, one.start_90k, one.end_90k, one.until_s) for one in times]
    )


def holds_watch(centre: Centre, store: Store, retention: Retention) -> HoldsWatch:
    """Asks what is held, and hears what time it is where that is proved."""
    return HoldsWatch(centre, functools.partial(keep_held, store), hear_time=retention.age.hear)


async def ask_for_holds(watch: HoldsWatch, *, clock: Clock) -> None:
    """Learn what must not be deleted here, for ever; what is new is confirmed at once."""
    while True:
        if not await asyncio.to_thread(watch.run_once):
            await clock.sleep(HOLDS_EVERY_S)


async def upload(uploader: SegmentUploader, *, clock: Clock) -> None:
    """Bring what waits to the centre, newest first, for ever."""
    while True:
        sent = await asyncio.to_thread(uploader.run_once)
        if not sent.segments:
            await clock.sleep(UPLOAD_EVERY_S)
