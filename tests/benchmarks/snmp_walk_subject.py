"""The measured side of `snmp_walk` and `snmp_walk_v3`: one process that walks the table and says what it cost.

`python -m tests.benchmarks.snmp_walk_subject CLIENT HOST PORT WALKS [REPETITIONS]` walks once to warm up, then `WALKS`
times, and prints one line of JSON: CPU seconds of a walk, and the table as it came, by column.
"""

import hashlib
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop

from beket.testing.snmp_table import columns

COMMUNITY = "bench-read"
USER = "beket"
AUTH_PASSWORD, PRIV_PASSWORD = "bench-signing", "bench-sealing"

Table = list[dict[bytes, object]]
Walk = Callable[[], Awaitable[list[dict[object, object]]]]


def main() -> int:
    """Measure and print."""
    client, host, port, walks, *rest = sys.argv[1:]
    repetitions = int(rest[0]) if rest else 25
    makers = {"ours": ours, "ours by column": ours_by_column, "ours v3": ours_v3, "gufo": gufo, "pysnmp": pysnmp}
    make = makers[client]

    async def measure() -> None:
        walk, close = await make(host, int(port), repetitions)
        table = await walk()
        began_s = time.process_time()
        for _ in range(int(walks)):
            table = await walk()
        used_s = time.process_time() - began_s
        close()
        report = {
            "cpu_s": used_s / int(walks),
            "rows": [len(column) for column in table],
            "values": hashlib.sha256(repr([[*column.values()] for column in table]).encode()).hexdigest(),
        }
        print(json.dumps(report))

    uvloop.run(measure())
    return 0


async def ours(host: str, port: int, repetitions: int) -> tuple[Walk, Callable[[], None]]:
    """All columns side by side, as many values an answer as ours takes by itself."""
    from agents.network.snmp.engine import UdpEngine
    from agents.network.snmp.port import Target
    from beket.kernel.clock import SystemClock
    from beket.kernel.secrets import Secret

    engine = UdpEngine(clock=SystemClock(), rng=random.Random())
    target = Target(host, port, community=Secret(COMMUNITY), timeout_s=5)
    return _walk_of_ours(engine, target, [columns()]), engine.close


async def ours_by_column(host: str, port: int, repetitions: int, user: str = "") -> tuple[Walk, Callable[[], None]]:
    """Column by column, `repetitions` values an answer; of v3 where there is a user."""
    from agents.network.snmp.bulk_memory import BulkMemory
    from agents.network.snmp.codec import Version
    from agents.network.snmp.credentials import Auth, Priv, V3User
    from agents.network.snmp.engine import UdpEngine
    from agents.network.snmp.port import Target
    from beket.kernel.clock import SystemClock
    from beket.kernel.secrets import Secret

    clock = SystemClock()
    memory = BulkMemory(clock, full_varbinds=repetitions)
    engine = UdpEngine(clock=clock, rng=random.Random(), memory=memory)
    target = Target(host, port, community=Secret(COMMUNITY), timeout_s=5)
    if user:
        known = V3User(user, Auth.SHA256, Secret(AUTH_PASSWORD), Priv.AES128, Secret(PRIV_PASSWORD))
        target = Target(host, port, Version.V3, user=known, timeout_s=5)
    return _walk_of_ours(engine, target, [[column] for column in columns()]), engine.close


async def ours_v3(host: str, port: int, repetitions: int) -> tuple[Walk, Callable[[], None]]:
    return await ours_by_column(host, port, repetitions, USER)


def _walk_of_ours(engine: Any, target: Any, walks: list[list[str]]) -> Walk:
    from agents.network.snmp.oid import parse_oid

    names = [[parse_oid(column) for column in walk] for walk in walks]

    async def walk() -> list[dict[object, object]]:
        found = []
        for group in names:
            result = await engine.walk(target, group)
            if result.error:
                raise result.error
            found += result.columns
        return found

    return walk


async def gufo(host: str, port: int, repetitions: int) -> tuple[Walk, Callable[[], None]]:
    from gufo.snmp.aio import SnmpSession

    session = SnmpSession(host, port, community=COMMUNITY, timeout=5, max_repetitions=repetitions)

    async def walk() -> list[dict[object, object]]:
        found = []
        for column in columns():
            skip = len(column) + 1
            found.append({oid[skip:]: value async for oid, value in session.getbulk(column)})
        return found

    return walk, lambda: None


async def pysnmp(host: str, port: int, repetitions: int) -> tuple[Walk, Callable[[], None]]:
    from pysnmp.hlapi.v1arch import asyncio as api

    dispatcher = api.SnmpDispatcher()
    transport = await api.UdpTransportTarget.create((host, port), timeout=5)

    async def walk() -> list[dict[object, object]]:
        found = []
        for column in columns():
            rows: dict[object, object] = {}
            skip = len(column) + 1
            walking = api.bulk_walk_cmd(
                dispatcher,
                api.CommunityData(COMMUNITY, mpModel=1),
                transport,
                0,
                repetitions,
                api.ObjectType(api.ObjectIdentity(column)),
                lookupMib=False,
                lexicographicMode=False,
            )
            async for _, _, _, bindings in walking:
                for name, value in bindings:
                    text = str(name)
                    if text.startswith(column):
                        rows[text[skip:]] = bytes(value) if hasattr(value, "asOctets") else int(value)
            found.append(rows)
        return found

    return walk, dispatcher.transport_dispatcher.close_dispatcher


if __name__ == "__main__":
    sys.exit(main())
