"""Plugs an engine outside into the centre: the queue at the samples' door, and the two units that feed and empty it.

Nothing of it exists unless `[sinks] url` is set; the client library is loaded only then, on a worker thread.
"""

import functools
import random
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path

from beket.kernel.clock import Clock
from beket.kernel.errors import InvalidConfig
from beket.kernel.ids import CommunityId
from beket.kernel.metrics import Instruments
from beket.kernel.secrets import Secret, read_secret_file
from beket.kernel.supervise import keep_running
from beket.kernel.text import say
from beket.kernel.units import MIB
from collector.config import SinksConfig
from collector.sinks.forwarder import Forwarder, LineWriter, report
from collector.sinks.queue import SampleQueue

# For engines that ask for no token; the client library will not be without one.
NO_TOKEN = Secret("none")


class Sink:
    """One engine, or none.

    Attributes:
        queue: where samples for it go; None when no engine is set.
    """

    def __init__(self, config: SinksConfig, queue: SampleQueue | None, instruments: Instruments) -> None:
        self._config = config
        self.queue = queue
        self._instruments = instruments

    def units(self, *, clock: Clock, rng: random.Random) -> dict[str, Awaitable[None]]:
        """What runs beside the rest of the centre."""
        if self.queue is None:
            return {}
        config = self._config
        forwarder = Forwarder(self.queue, functools.partial(connect, config), instruments=self._instruments)
        own_s = config.own_numbers_every_s
        own = functools.partial(report, self.queue, self._instruments, clock=clock, every_s=own_s)
        send = functools.partial(forwarder.run, clock=clock, every_s=config.every_s)
        return {
            "samples out": keep_running("samples out", send, clock=clock, rng=rng),
            "own numbers out": keep_running("own numbers out", own, clock=clock, rng=rng),
        }


@contextmanager
def open_sink(
    config: SinksConfig, data: Path, *, community: CommunityId, clock: Clock, instruments: Instruments
) -> Iterator[Sink]:
    """The engine that `[sinks]` names, its queue in `data`."""
    if not config.url:
        yield Sink(config, None, instruments)
        return
    cap_bytes = config.queue_mb * MIB
    queue = SampleQueue(
        data / "sinks.db", community=community, cap_bytes=cap_bytes, clock=clock, instruments=instruments
    )
    try:
        yield Sink(config, queue, instruments)
    finally:
        queue.close()


def connect(config: SinksConfig) -> LineWriter:
    """A writer with the token as it stands now. Blocking.

    Raises:
        InvalidConfig, NotFound: the token file is not right, or the client library is not installed.
    """
    token = read_secret_file(config.token_file) if config.token_file else NO_TOKEN
    try:
        from collector.sinks.influx import InfluxWriter
    except ModuleNotFoundError as error:
        raise InvalidConfig(
            say("Для [sinks] бракує пакунка {name}.", "[sinks] needs the package {name}.", name=error.name),
            subject="[sinks] url",
            hint=say("Встановіть beket[centre].", "Install beket[centre]."),
        ) from error
    return InfluxWriter(
        url=config.url,
        org=config.org,
        bucket=config.bucket,
        token=token,
        timeout_s=config.timeout_s,
        ca_file=config.ca_file,
    )
