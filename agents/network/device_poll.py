"""Owns one poll of one device: reachability first, then what its modules ask; what came, and why the rest did not.

A dead device costs one time-out: the ping and the first SNMP question go out together, and if SNMP is silent nothing
more is asked. Which modules a device has is found out once and remembered (`detection`, `known_devices`). Partial
results are kept with their reason. Does not own when polls happen (`poller`).
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from agents.network import metrics, reading
from agents.network.detection import MODEL_OID, detect
from agents.network.icmp import Ping, Pinger
from agents.network.known_devices import KnownDevices
from agents.network.module_files import Module, Table
from agents.network.reading import PortIdentity
from agents.network.snmp.codec import Value, Version
from agents.network.snmp.credentials import parse_v3_user
from agents.network.snmp.oid import parse_oid
from agents.network.snmp.port import SNMP_PORT, SilentToUser, SnmpPort, Target, TooLate
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import BeketError, InvalidArgument, ProtocolError, TimedOut, Unauthenticated, Unreachable
from beket.kernel.inventory import Device
from beket.kernel.metrics import Labels, Metric, Point
from beket.kernel.secrets import Secret, SecretStore
from beket.kernel.text import Text, say

VERSIONS = {"v1": Version.V1, "v2c": Version.V2C, "v3": Version.V3}
# What only a living device does: talk nonsense, refuse our user, name its engine and then keep silent, answer too late.
_UPTIME = parse_oid("1.3.6.1.2.1.1.3.0")
# Scalars in one question to a device that is known to answer.
_SCALARS_AT_ONCE = 24
_SIGNS_OF_LIFE = (ProtocolError, Unauthenticated, SilentToUser, TooLate)


@dataclass(slots=True)
class Reading:
    """What one poll of a device brought.

    Attributes:
        is_up: it answered to something.
        snmp_is_up: it answered SNMP; None when it is not asked.
        error: why the reading is not complete; None when all that was asked came.
        has_fallen_silent: it stopped answering while it was read, and was not asked for the rest.
        facts: texts by name: description, model-oid, name, contact, location; of some families model, firmware, serial.
        modules: names of the modules that the device was found to have.
    """

    device: Device
    is_up: bool
    points: list[Point] = field(default_factory=list)
    snmp_is_up: bool | None = None
    error: BeketError | None = None
    facts: dict[str, str] = field(default_factory=dict)
    ports: list[PortIdentity] = field(default_factory=list)
    modules: tuple[str, ...] = ()
    has_fallen_silent: bool = False

    def lacks(self, error: BeketError | None) -> None:
        """Note why something did not come; silence, which explains all that follows it, stands before other reasons."""
        is_silence = isinstance(error, TimedOut | Unreachable)
        if self.error is None or (is_silence and not self.has_fallen_silent):
            self.error = error
        self.has_fallen_silent |= is_silence


class DevicePolls:
    """Polls devices with what all polls share; runs on the loop, many at once."""

    def __init__(
        self,
        *,
        snmp: SnmpPort,
        pinger: Pinger,
        modules: Sequence[Module],
        secrets: SecretStore,
        clock: Clock,
        timeout_s: float = 1.0,
        ping_proves_life: bool = True,
    ) -> None:
        """`modules` are `system` and then all that a device may turn out to have.

        Without `ping_proves_life` gear that speaks SNMP is up only if it does: on loopback the machine answers
        pings for simulated gear, and some routers answer for what stands behind them.
        """
        self._snmp = snmp
        self._pinger = pinger
        self._system = modules[0]
        self._always = [module for module in modules[1:] if module.detect.always]
        self._families = {module.name: module for module in modules[1:] if not module.detect.always}
        self._known = KnownDevices(clock)
        # Scalars that a v1 device said it does not have: each costs it a question of its own.
        self._lacking: dict[str, set[bytes]] = {}
        self._secrets = secrets
        self._clock = clock
        self._timeout_s = timeout_s
        self._ping_proves_life = ping_proves_life
        self._tell: Callable[[Reading], None] = lambda _: None

    def tell_to(self, hears: Callable[[Reading], None]) -> None:
        """`hears` gets, on the loop, each reading that a poll brings."""
        self._tell = hears

    def remember_in(self, known: KnownDevices) -> None:
        """Keep in `known`, which may outlast this process, which modules each device has."""
        self._known = known

    async def poll(self, device: Device) -> Reading:
        """Read `device` now. A device that is away or wrongly described is a reading with an error, never an exception.

        One that cannot be asked, for want of its secret or for a wrong setting, is pinged like one that is not to be
        asked, and the reading says why. Where even its address is wrong it has no `DEVICE_UP`: nothing is known of it.
        """
        labels: Labels = (("site", device.site), ("device", device.id))
        wall_ns, began_ns = self._clock.wall_ns(), self._clock.mono_ns()
        try:
            host, _ = parse_address(device.address)
            result, ping = await self._reach(device, host)
        except InvalidArgument as error:
            result, ping = Reading(device, is_up=False, error=error), None
        values = len(result.points)
        if ping is not None:
            result.points += _about(labels, wall_ns, ping, result)
        duration_s = (self._clock.mono_ns() - began_ns) / NS_PER_S
        result.points += [
            Point(metrics.DEVICE_POLL_DURATION.name, labels, wall_ns, round(duration_s, 3)),
            Point(metrics.DEVICE_POLL_VALUES.name, labels, wall_ns, values),
        ]
        self._tell(result)
        return result

    async def _reach(self, device: Device, host: str) -> tuple[Reading, Ping]:
        """Ping `device` and, if it is to be asked and can be, read it."""
        target, trouble = None, None
        if device.snmp != "off":
            try:
                target = self.target(device)
            except BeketError as error:
                trouble = error
        if target is None:
            ping = await self._pinger.ping(host, timeout_s=self._timeout_s)
            result = Reading(device, is_up=bool(ping.times_s), error=trouble)
            if not result.is_up:
                result.error = trouble or silence(device)
            return result, ping
        pinging = asyncio.ensure_future(self._pinger.ping(host, timeout_s=self._timeout_s))
        try:
            result = await self.read(device, target)
            ping = await pinging
        finally:
            pinging.cancel()
        spoke = isinstance(result.error, _SIGNS_OF_LIFE)
        answered = self._ping_proves_life and ping.times_s
        result.is_up = bool(result.snmp_is_up or answered or spoke)
        if not result.is_up:
            result.error = silence(device)
        return result, ping

    async def read(self, device: Device, target: Target) -> Reading:
        """Read `device` over SNMP alone, at `target`; see `poll`."""
        labels: Labels = (("site", device.site), ("device", device.id))
        wall_ns = self._clock.wall_ns()
        result = Reading(device, is_up=False, snmp_is_up=False)
        try:
            values = await self._snmp.get(target, self._system.asked())
        except BeketError as error:
            result.lacks(error)
            return result
        result.snmp_is_up = True
        result.lacks(values.error)
        result.points += reading.scalar_points(self._system, values, labels, wall_ns)
        result.facts |= reading.facts_of(self._system, values)
        await self._read_modules(self._always, target, labels, result)
        families = await self._families_of(device, target, values, result)
        await self._read_modules(families, target, labels, result)
        result.modules = tuple(module.name for module in (*self._always, *families))
        if families:
            # Two families may know the same; the one that stands first is believed.
            result.points = list({(p.name, p.labels): p for p in reversed(result.points)}.values())[::-1]
        return result

    async def _families_of(
        self, device: Device, target: Target, values: Mapping[bytes, Value], result: Reading
    ) -> list[Module]:
        model, uptime = values.get(MODEL_OID), values.get(_UPTIME)
        raw_model = model if isinstance(model, bytes) else b""
        who = f"{device.id} {device.address}"
        names = self._known.recall(who, model=raw_model, uptime=uptime if isinstance(uptime, int) else None)
        if names is None and not result.has_fallen_silent:
            kinship = await detect(self._snmp, target, list(self._families.values()), model)
            names = self._known.note(who, kinship, model=raw_model)
            self._lacking.pop(device.id, None)
            # Told, but not taken for silence: some gear never answers probes and is known by its model.
            result.error = result.error or kinship.error
        return [self._families[name] for name in names or () if name in self._families]

    async def _read_modules(self, modules: Sequence[Module], target: Target, labels: Labels, result: Reading) -> None:
        """Read what the modules ask, unless the device has fallen silent in the meantime."""
        if not result.has_fallen_silent:
            await self._read_scalars(modules, target, labels, result)
        for table in (table for module in modules for table in module.tables):
            if not result.has_fallen_silent:
                await self._read_table(table, target, labels, result)

    async def _read_scalars(self, modules: Sequence[Module], target: Target, labels: Labels, result: Reading) -> None:
        lacking = self._lacking.setdefault(result.device.id, set())
        names = [name for module in modules for name in module.asked() if name not in lacking]
        wall_ns = self._clock.wall_ns()
        values: dict[bytes, Value] = {}
        for first in range(0, len(names), _SCALARS_AT_ONCE):
            try:
                found = await self._snmp.get(target, names[first : first + _SCALARS_AT_ONCE])
            except BeketError as error:
                result.lacks(error)
                if result.has_fallen_silent:
                    break
                continue
            values |= found
            # Only what the device says that it has not: what breaks or is spoiled today may be whole tomorrow.
            lacking |= found.lacking
            result.lacks(found.error)
        for module in modules:
            result.points += reading.scalar_points(module, values, labels, wall_ns)
            result.facts |= reading.facts_of(module, values)

    async def _read_table(self, table: Table, target: Target, labels: Labels, result: Reading) -> None:
        wall_ns = self._clock.wall_ns()
        columns: dict[bytes, Mapping[bytes, Value]] = {}
        sources = table.columns
        walk_error = await self._walk(target, table.asked(), columns, result)
        absent = {source.measure.metric for source in table.columns if not columns.get(source.name)}
        spare = tuple(source for source in table.fallbacks if source.measure.metric in absent)
        if spare and walk_error is None:
            # Only a column that was read to its end and found empty is absent; one that was cut off is not.
            await self._walk(target, table.asked_instead(spare), columns, result)
            sources += spare
        is_named = not all(source.measure.combine for source in sources)
        ports = reading.ports_of(table, columns) if is_named else {}
        if is_named and (rows_lost := reading.left_out(table, columns, ports)):
            result.lacks(_unnamed(rows_lost))
        if table.label == "port":
            result.ports += ports.values()
        elif len(ports) > reading.PARTS_MAX:
            ports = dict(itertools.islice(ports.items(), reading.PARTS_MAX))
            result.lacks(_too_many_parts())
        rows = {index: (*labels, (table.label, port.name)) for index, port in ports.items()}
        result.points += reading.row_points(sources, columns, rows, labels, wall_ns)

    async def _walk(
        self, target: Target, names: list[bytes], columns: dict[bytes, Mapping[bytes, Value]], result: Reading
    ) -> BeketError | None:
        walk = await self._snmp.walk(target, names)
        columns.update(zip(names, walk.columns, strict=True))
        result.lacks(walk.error)
        return walk.error

    def target(self, device: Device) -> Target:
        """Where and how to ask `device` over SNMP.

        Raises:
            NotFound, InvalidConfig: its secret cannot be read.
            InvalidArgument: its address or SNMP version is wrong.
        """
        host, port = parse_address(device.address)
        version = VERSIONS.get(device.snmp)
        if version is None:
            raise InvalidArgument(
                say("Невідома версія SNMP «{v}».", "Unknown SNMP version “{v}”.", v=device.snmp), subject=device.id
            )
        if version is Version.V3:
            user = parse_v3_user(self._secrets.get(device.secret), device.secret)
            return Target(host, port, version, user=user, timeout_s=self._timeout_s)
        community = self._secrets.get(device.secret) if device.secret else Secret("public")
        return Target(host, port, version, community, timeout_s=self._timeout_s)


def parse_address(address: str, default_port: int = SNMP_PORT) -> tuple[str, int]:
    """Host and SNMP port of an inventory address.

    Example:
        >>> parse_address("10.0.0.2"), parse_address("sw1:1161"), parse_address("[fd00::1]:1161"), parse_address("::1")
        (('10.0.0.2', 161), ('sw1', 1161), ('fd00::1', 1161), ('::1', 161))

    Raises:
        InvalidArgument: there is no host, or the port is not one.
    """
    host, port = address, ""
    if address.startswith("["):
        host, _, port = address[1:].partition("]")
        port = port.removeprefix(":")
    elif address.count(":") == 1:
        host, _, port = address.partition(":")
    if not host or (port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536)):
        raise InvalidArgument(say("Неправильна адреса «{a}».", "Wrong address “{a}”.", a=address[:80]))
    return host, int(port) if port else default_port


def silence(device: Device) -> TimedOut:
    """What to tell a person when a device answers nothing at all: what, where, what to do."""
    return TimedOut(
        say(
            "«{name}» ({address}) не відповідає.",
            "“{name}” ({address}) does not answer.",
            name=device.name,
            address=device.address,
        ),
        subject=device.id,
        hint=_what_to_do(),
    )


def _too_many_parts() -> ProtocolError:
    return ProtocolError(
        say(
            "Пристрій називає понад {n} своїх частин; решту пропущено.",
            "The device names over {n} parts of itself; the rest is left out.",
            n=reading.PARTS_MAX,
        )
    )


def _unnamed(rows: int) -> ProtocolError:
    return ProtocolError(
        say(
            "Номери рядків таблиці ({n}) задовгі для підпису або зіпсовані; ці рядки пропущено.",
            "Indexes of rows of a table ({n}) are too long for a label or damaged; these rows are left out.",
            n=rows,
        )
    )


def _what_to_do() -> Text:
    return say(
        "Перевірте, чи є там світло і чи ввімкнено пристрій; якщо так, перевірте кабель і зв'язок.",
        "Check that there is power and that the device is on; if so, check the cable and the line.",
    )


def _about(labels: Labels, wall_ns: int, ping: Ping, result: Reading) -> list[Point]:
    def point(metric: Metric, value: float) -> Point:
        return Point(metric.name, labels, wall_ns, value)

    points = [
        point(metrics.DEVICE_UP, float(result.is_up)),
        point(metrics.DEVICE_PING_LOSS, ping.loss_ratio),
    ]
    if ping.latency_s is not None:
        points.append(point(metrics.DEVICE_PING_LATENCY, ping.latency_s))
    if ping.jitter_s is not None:
        points.append(point(metrics.DEVICE_PING_JITTER, ping.jitter_s))
    if result.snmp_is_up is not None:
        points.append(point(metrics.DEVICE_SNMP_UP, float(result.snmp_is_up)))
    return points
