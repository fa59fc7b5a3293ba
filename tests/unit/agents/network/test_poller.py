import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Sequence

from agents.network import metrics
from agents.network.device_poll import Reading
from agents.network.poller import Poller, Schedule
from beket.kernel.clock import SimulatedClock
from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.inventory import Device
from beket.kernel.metrics import Instruments, Point

SLOW_TAKES_S = 50


class Polls:
    """Polls that last as long as the device's name says."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self.polled: Counter[str] = Counter()

    async def poll(self, device: Device) -> Reading:
        await self.clock.sleep(SLOW_TAKES_S if device.id.startswith("slow") else 0)
        self.polled[device.id] += 1
        return Reading(device, is_up=True)


class Nowhere:
    def put(self, points: Sequence[Point]) -> None:
        pass


def run(devices: list[Device], rounds: int) -> tuple[Counter[str], Instruments]:
    clock, instruments = SimulatedClock(), Instruments()
    polls = Polls(clock)

    async def story() -> None:
        poller = Poller(
            polls=polls,  # type: ignore[arg-type]
            sink=Nowhere(),
            instruments=instruments,
            clock=clock,
            rng=random.Random(1),
            schedule=Schedule(interval_s=60, at_once=4),
        )
        poller.apply(devices)
        running = asyncio.create_task(poller.run())
        for _ in range(rounds * 60):
            await clock.advance(1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(story())
    return polls.polled, instruments


def test_a_device_that_is_asked_for_is_polled_before_its_beat_but_not_in_a_hurry() -> None:
    clock = SimulatedClock()
    polls = Polls(clock)
    polled: list[int] = []

    async def story() -> None:
        poller = Poller(
            polls=polls,  # type: ignore[arg-type]
            sink=Nowhere(),
            instruments=Instruments(),
            clock=clock,
            rng=random.Random(1),
            schedule=Schedule(interval_s=60, spread_s=0, again_after_s=5),
        )
        poller.apply([device("switch")])
        running = asyncio.create_task(poller.run())
        for second in range(130):
            if second == 20 or 21 <= second < 40:  # a port that flaps for twenty seconds
                poller.poll_soon(DeviceId("switch"))
            poller.poll_soon(DeviceId("unknown"))
            await clock.advance(1)
            polled.append(polls.polled["switch"])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(story())
    by_second = [after - before for before, after in itertools.pairwise([0, *polled])]
    assert sum(by_second[:19]) == 1
    assert 4 <= sum(by_second[19:46]) <= 5
    assert sum(by_second[46:58]) == 0
    assert sum(by_second[58:63]) == 1  # its own beat stays where it was
    assert sum(by_second[63:]) == 1


def device(name: str) -> Device:
    return Device(id=DeviceId(name), site=SiteId("s"), name=name, address="10.0.0.1")


def missed(instruments: Instruments) -> Counter[str]:
    return Counter(
        {
            dict(point.labels)["device"]: int(point.value)
            for point in instruments.read(0)
            if point.name == metrics.POLLS_MISSED.name
        }
    )


def test_slow_devices_wait_for_one_another_and_never_delay_the_quick_ones() -> None:
    quick = [device(f"quick-{i}") for i in range(5)]
    polled, instruments = run([*quick, *(device(f"slow-{i}") for i in range(12))], rounds=20)
    late = missed(instruments)
    # Until all the slow ones are known as such, some of the first rounds may be missed.
    assert all(polled[one.id] >= 15 for one in quick)
    assert all(late[one.id] <= 5 for one in quick)
    assert sum(late[f"slow-{i}"] for i in range(12)) > 12
    assert all(polled[f"slow-{i}"] for i in range(12))


def test_nothing_is_missed_while_there_is_time_for_all() -> None:
    polled, instruments = run([device(f"quick-{i}") for i in range(50)], rounds=5)
    assert not missed(instruments)
    assert set(polled.values()) <= {4, 5}
