import asyncio
import time

import pytest

from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import Busy, Unreachable
from beket.sim.gear import IF_X_ENTRY, Nameplate, Port, network_gear, ups
from beket.sim.power import Power, Supply
from beket.sim.snmp_agent import Mib, SnmpAgent
from beket.sim.snmp_ber import OCTET_STRING, encode_int, encode_oid, wrap
from beket.testing.process import ProgramFailed, output_of

PLATE = Nameplate("switch-council", "Simulated switch", "Village council", "it", 2)
PORTS = tuple(Port(f"ge{i}", alias=f"port {i}", speed_bps=1_000_000_000, in_bps=4e6, out_bps=1e5) for i in range(1, 25))


async def client(program: str, port: int, *words: str, version: str = "2c", host: str = "127.0.0.1") -> list[str]:
    argv = [program, f"-v{version}", "-c", "public", "-r1", "-t1", "-Onq", "-m", "", *words]
    argv[-1:-1] = [f"{host}:{port}"]
    return (await asyncio.to_thread(output_of, *argv)).splitlines()


def run_switch_test(test) -> None:
    async def body() -> None:
        clock = SimulatedClock()
        power = Power(clock)
        switch = network_gear(PLATE, PORTS, power=power, supply=Supply.MAINS)
        agent = SnmpAgent(switch, is_awake=lambda: power.feeds(Supply.MAINS))
        port = await agent.start("127.0.0.1", 0)
        try:
            await test(clock, power, switch, port)
        finally:
            agent.close()

    asyncio.run(body())


@pytest.mark.needs("snmpwalk", "snmpbulkwalk", "snmpget")
def test_net_snmp_walks_the_whole_switch_the_same_by_every_way() -> None:
    async def test(clock: SimulatedClock, power: Power, switch: Mib, port: int) -> None:
        clock.pass_time(3600)
        ways = [
            await client("snmpwalk", port, ".1"),
            await client("snmpbulkwalk", port, "-Cr50", ".1"),
            await client("snmpbulkwalk", port, "-Cr3", ".1"),
        ]
        names = ["." + ".".join(map(str, switch.name(i))) for i in range(len(switch))]
        # The last line is Net-SNMP's own word that the view has ended.
        assert all(lines.pop().endswith("(It is past the end of the MIB tree)") for lines in ways)
        assert [line.split(" ", 1)[0] for line in ways[0]] == names
        assert ways[0] == ways[1] == ways[2]
        (octets,) = await client("snmpget", port, "." + ".".join(map(str, (*IF_X_ENTRY, 6, 5))))
        assert octets.split()[1] == str(round(4e6 / 8 * 3600))

    run_switch_test(test)


@pytest.mark.needs("snmpwalk", "snmpget")
def test_net_snmp_of_version_1_walks_past_the_wide_counters() -> None:
    async def test(clock: SimulatedClock, power: Power, switch: Mib, port: int) -> None:
        lines = await client("snmpwalk", port, ".1.3.6.1.2.1.31", version="1")
        assert lines.pop() == "End of MIB"
        columns = {line.split()[0].removeprefix(".1.3.6.1.2.1.31.1.1.1.").split(".")[0] for line in lines}
        assert columns == {"1", "15", "18", "19"}
        with pytest.raises(ProgramFailed, match="noSuchName"):
            await client("snmpget", port, ".1.3.6.1.2.1.99.0", version="1")

    run_switch_test(test)


@pytest.mark.needs("snmpget")
def test_net_snmp_hears_nothing_from_gear_without_light() -> None:
    async def test(clock: SimulatedClock, power: Power, switch: Mib, port: int) -> None:
        power.switch_off()
        with pytest.raises(ProgramFailed, match="Timeout"):
            await client("snmpget", port, "-r0", "-t0.2", ".1.3.6.1.2.1.1.5.0")
        power.switch_on()
        assert await client("snmpget", port, ".1.3.6.1.2.1.1.5.0") == ['.1.3.6.1.2.1.1.5.0 "switch-council"']

    run_switch_test(test)


@pytest.mark.needs("snmpget")
def test_net_snmp_reads_values_of_every_kind() -> None:
    mib = Mib(
        {
            (1, 3, 6, 1, 1, 0): encode_int(-129),
            (1, 3, 6, 1, 2, 0): encode_int(2**32 - 1, 0x41),
            (1, 3, 6, 1, 3, 0): encode_int(2**64 - 1, 0x46),
            (1, 3, 6, 1, 4, 0): wrap(OCTET_STRING, b"x" * 300),
            (1, 3, 6, 1, 5, 2**32 - 1, 0): encode_oid((1, 3, 6, 1, 4, 1, 32473, 2**32 - 1)),
        }
    )

    async def body() -> None:
        agent = SnmpAgent(mib)
        port = await agent.start("127.1.2.3", 0)
        try:
            lines = await client("snmpwalk", port, ".1.3.6.1", host="127.1.2.3")
        finally:
            agent.close()
        assert [line.split(" ", 1)[1] for line in lines[:-1]] == [
            "-129", "4294967295", "18446744073709551615", '"' + "x" * 300 + '"', ".1.3.6.1.4.1.32473.4294967295",
        ]  # fmt: skip

    asyncio.run(body())


@pytest.mark.needs("snmpget")
def test_net_snmp_sees_the_ups_take_over() -> None:
    async def body() -> None:
        clock = SimulatedClock()
        power = Power(clock)
        agent = SnmpAgent(ups(PLATE, power=power), is_awake=lambda: power.feeds(Supply.UPS))
        port = await agent.start("127.0.0.1", 0)
        asked = (".1.3.6.1.2.1.33.1.4.1.0", ".1.3.6.1.2.1.33.1.3.3.1.3.1", ".1.3.6.1.2.1.33.1.2.4.0")

        async def values() -> list[str]:
            argv = ["snmpget", "-v2c", "-cpublic", "-Oqv", "-m", "", f"127.0.0.1:{port}", *asked]
            return (await asyncio.to_thread(output_of, *argv)).split()

        try:
            assert await values() == ["3", "231", "100"]
            power.switch_off()
            clock.pass_time(600)
            assert await values() == ["5", "0", "75"]
        finally:
            agent.close()

    asyncio.run(body())


def test_agent_says_when_its_address_is_taken_or_not_ours() -> None:
    async def body() -> None:
        agent, second = SnmpAgent(Mib({})), SnmpAgent(Mib({}))
        port = await agent.start("127.0.0.1", 0)
        with pytest.raises(Busy):
            await second.start("127.0.0.1", port)
        with pytest.raises(Unreachable):
            await second.start("192.0.2.1", 16100)
        agent.close()

    asyncio.run(body())


def test_answer_of_fifty_variables_is_cheap_enough_for_hundreds_of_agents() -> None:
    # GETBULK of 50 repetitions from the first column of the interface table.
    switch = network_gear(PLATE, PORTS, power=Power(SimulatedClock()), supply=Supply.MAINS)
    agent = SnmpAgent(switch)
    varbind = wrap(0x30, encode_oid((1, 3, 6, 1, 2, 1, 2, 2, 1, 10)) + b"\x05\x00")
    body = encode_int(1) + encode_int(0) + encode_int(50) + wrap(0x30, varbind)
    datagram = wrap(0x30, encode_int(1) + wrap(0x04, b"public") + wrap(0xA5, body))
    began_s = time.process_time()
    for _ in range(200):
        assert agent.react(datagram)
    assert (time.process_time() - began_s) / 200 < 0.001
