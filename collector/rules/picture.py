"""Owns what is known of every site, device and camera at this moment: newest samples against the inventory.

Silence is measured from when something new last came, by our own monotonic clock, so that neither a wrong clock at a
site nor a step of ours looks like silence. A value counts only while it is fresh by the wall clock: an agent that
brings the backlog of an outage tells of yesterday, and nobody is woken for that. Blocking work only in `latest`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from beket.kernel.clock import NS_PER_S
from beket.kernel.errors import Kind
from beket.kernel.ids import SiteId
from beket.kernel.inventory import Camera, Device, Inventory, Site
from beket.kernel.metrics import Point

# A site's clock may run a little ahead of ours.
AHEAD_MAX_NS = 600 * NS_PER_S
# Why a device could not be asked at all though it may live (`beket.kernel.errors.Kind`).
SETTINGS_WRONG = frozenset({Kind.NOT_FOUND, Kind.INVALID_CONFIG, Kind.INVALID_ARGUMENT})


class LatestSamples(Protocol):
    """What the rules ask of the store of samples."""

    def latest(self, since_ns: int) -> list[Point]:
        """The newest sample of each series that has one since then."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long silence may last.

    Attributes:
        silent_after_s: without anything new, a site or a thing counts as silent.
        stale_after_s: an older value says nothing of now.
    """

    silent_after_s: float
    stale_after_s: float


@dataclass(frozen=True, slots=True)
class Thing:
    """A device or a camera.

    Attributes:
        is_up: None when it cannot be told.
        is_silent: nothing is heard of it although its site's agent speaks.
        is_only_pinged: its agent cannot ask it anything, for want of its secret or for a wrong setting.
    """

    item: Device | Camera
    is_up: bool | None
    is_silent: bool = False
    is_only_pinged: bool = False


@dataclass(frozen=True, slots=True)
class SitePicture:
    """A site and what stands there.

    Attributes:
        is_silent: nothing at all comes from it; None before it ever spoke, and while we have not listened long enough.
        has_light: what its gear says of the mains; None when it says nothing of now.
    """

    site: Site
    is_silent: bool | None
    devices: tuple[Thing, ...]
    cameras: tuple[Thing, ...]
    has_light: bool | None = None


def _with_contacts(site: Site, inventory: Inventory) -> Site:
    """The site with its provider as people need him when the line is down: name, phone, contract."""
    provider = inventory.provider_of(site)
    return msgspec.structs.replace(site, provider=provider.contacts) if provider else site


class Watch:
    """What came, and when by our monotonic clock; belongs to one evaluator.

    Args:
        device_up: name of the metric that says whether a device answers.
        camera_up: the same for whether a camera records.
        light: the same for whether a site has mains power; "" where nothing says it.
        incomplete: the same for how often a device could not be asked for all, by reason; "" where nothing says it.
    """

    def __init__(
        self, patience: Patience, *, device_up: str, camera_up: str, light: str = "", incomplete: str = ""
    ) -> None:
        self._patience = patience
        self._incomplete = incomplete
        self._incomplete_polls: dict[tuple[str, str], float] = {}
        self._only_pinged_ns: dict[str, int] = {}
        self._light = light
        self._labels = {device_up: "device", camera_up: "camera"}
        self._newest_ns: dict[tuple[str, str], int] = {}
        self._heard_mono_ns: dict[tuple[str, str], int] = {}
        self._values: dict[tuple[str, str], tuple[int, float]] = {}
        self._taken: dict[SiteId, float] = {}
        self._listens_since_ns: int | None = None

    def take(self, points: Iterable[Point], *, mono_ns: int) -> None:
        """Learn the newest sample of each series."""
        if self._listens_since_ns is None:
            self._listens_since_ns = mono_ns
        for point in points:
            labels = dict(point.labels)
            if site := labels.get("site"):
                self._hear(("site", site), point.wall_ns, mono_ns)
                if point.name == self._light:
                    self._values["light", site] = (point.wall_ns, point.value)
            if point.name == self._incomplete and labels.get("reason") in SETTINGS_WRONG:
                self._count(labels.get("device", ""), labels["reason"], point)
            kind = self._labels.get(point.name)
            if kind and kind in labels:
                key = (kind, labels[kind])
                self._values[key] = (point.wall_ns, point.value)
                self._hear(key, point.wall_ns, mono_ns)

    def arrived(self, taken: Mapping[SiteId, float], *, mono_ns: int) -> None:
        """Learn how many points were ever taken or refused from each site: it grows, so the site speaks, whatever its
        clock says.
        """
        for site, count in taken.items():
            if count != self._taken.get(site):
                self._taken[site] = count
                self._heard_mono_ns["site", site] = mono_ns

    def heard_sites(self) -> set[SiteId]:
        """Sites that have spoken since we listen, or in the store's last hours."""
        return {SiteId(id_) for kind, id_ in self._heard_mono_ns if kind == "site"}

    def picture(
        self, inventory: Inventory, ever_heard: Iterable[SiteId], *, mono_ns: int, wall_ns: int
    ) -> list[SitePicture]:
        """Every site of the inventory as it looks now; cameras that may not record are left out."""
        known = set(ever_heard)
        return [
            SitePicture(
                _with_contacts(site, inventory),
                self._is_silent(("site", site.id), mono_ns) if site.id in known else None,
                tuple(self._thing("device", d, mono_ns, wall_ns) for d in inventory.devices if d.site == site.id),
                tuple(
                    self._thing("camera", c, mono_ns, wall_ns)
                    for c in inventory.cameras
                    if c.site == site.id and c.may_record()
                ),
                self._has_light(site.id, wall_ns),
            )
            for site in inventory.sites
        ]

    def _count(self, device: str, reason: str, point: Point) -> None:
        """Another poll could not ask this device: its counter grew."""
        before = self._incomplete_polls.get((device, reason))
        self._incomplete_polls[device, reason] = point.value
        if before is not None and point.value > before:
            self._only_pinged_ns[device] = point.wall_ns

    def _hear(self, key: tuple[str, str], wall_ns: int, mono_ns: int) -> None:
        if wall_ns > self._newest_ns.get(key, -1):
            self._newest_ns[key] = wall_ns
            self._heard_mono_ns[key] = mono_ns

    def _is_silent(self, key: tuple[str, str], mono_ns: int) -> bool | None:
        """Whether nothing new came for too long; None while we have not listened so long ourselves."""
        since_ns = self._listens_since_ns if self._listens_since_ns is not None else mono_ns
        silent_ns = mono_ns - self._heard_mono_ns.get(key, since_ns)
        if silent_ns >= self._patience.silent_after_s * NS_PER_S:
            return True
        return False if key in self._heard_mono_ns and self._heard_mono_ns[key] > since_ns else None

    def _has_light(self, site: SiteId, wall_ns: int) -> bool | None:
        sample_ns, value = self._values.get(("light", site), (0, 0.0))
        return value > 0 if self._is_fresh(sample_ns, wall_ns) else None

    def _thing(self, kind: str, item: Device | Camera, mono_ns: int, wall_ns: int) -> Thing:
        key = (kind, item.id)
        if key in self._values and self._is_fresh(self._values[key][0], wall_ns):
            is_only_pinged = kind == "device" and self._is_fresh(self._only_pinged_ns.get(item.id, 0), wall_ns)
            return Thing(item, self._values[key][1] > 0, is_only_pinged=is_only_pinged)
        # No word of it. That says something only while its agent speaks of the present.
        site = ("site", item.site)
        speaks = self._is_silent(site, mono_ns) is False and self._is_fresh(self._newest_ns.get(site, 0), wall_ns)
        is_silent = speaks and self._is_silent(key, mono_ns) is True
        return Thing(item, False if is_silent else None, is_silent)

    def _is_fresh(self, sample_ns: int, wall_ns: int) -> bool:
        return -AHEAD_MAX_NS <= wall_ns - sample_ns <= self._patience.stale_after_s * NS_PER_S
