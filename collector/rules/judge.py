"""Owns the rules: what is wrong at a site, and which of its troubles explains which other. Pure.

Thin: a silent site, a dark site, a site whose recording program is silent, a device, a camera. The whole tree (feeder →
site → UPS → provider → router → port → camera) is a later room's: it adds parents to these conditions, and the rest
stays as it is. Note: collector/design/0011-alerts-and-outbox.md.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from beket.kernel.inventory import Device, DeviceKind
from collector.rules import wording
from collector.rules.condition import Condition, Words, alert_key
from collector.rules.picture import SitePicture, Thing
from collector.rules.standing import Timing

SITE_SILENT, SITE_DARK, CAPTURE_SILENT = "site-silent", "site-dark", "capture-silent"
DEVICE_DOWN, CAMERA_DOWN = "device-down", "camera-down"

# What a UPS usually carries says nothing about whether there is light.
CARRIED = frozenset({DeviceKind.UPS, DeviceKind.ROUTER, DeviceKind.SERVER, DeviceKind.RECORDER})
# One thing that fails is that thing; this many at once is the place.
WITNESSES_MIN = 2


@dataclass(frozen=True, slots=True)
class Rules:
    """How patient each rule is, and whom its alerts name to call; "" when nobody is named.

    `others` is what rules of other rooms say now; the rules of sites stand before them and may explain them.
    """

    silent: Timing
    dark: Timing
    device: Timing
    camera: Timing
    contact: str = ""
    others: Callable[[], list[Condition]] = list


def judge(pictures: Iterable[SitePicture], rules: Rules) -> list[Condition]:
    """What each rule says of each subject; a condition stands after those that may explain it."""
    return [condition for picture in pictures for condition in _judge_site(picture, rules)]


def _judge_site(picture: SitePicture, rules: Rules) -> list[Condition]:
    site = picture.site
    call = wording.whom_to_call(rules.contact, site)
    silent, dark, capture = (alert_key(rule, site.id) for rule in (SITE_SILENT, SITE_DARK, CAPTURE_SILENT))
    parents = {SITE_SILENT: (), CAMERA_DOWN: (silent, dark, capture)}

    def about(rule: str, subject: str, holds: bool | None, timing: Timing, words: Words | None) -> Condition:
        above = tuple(key for key in parents.get(rule, (silent, dark)) if key != alert_key(rule, subject))
        return Condition(rule, subject, site.id, holds, timing, above, words if holds else None)

    is_dark = None if picture.is_silent else is_site_dark(picture)
    found = [
        about(SITE_SILENT, site.id, picture.is_silent, rules.silent, wording.site_silent(picture, call)),
        about(SITE_DARK, site.id, is_dark, rules.dark, wording.site_dark(picture, call)),
        about(CAPTURE_SILENT, site.id, is_capture_silent(picture), rules.camera, wording.capture_silent(picture, call)),
    ]
    found += [
        about(DEVICE_DOWN, thing.item.id, _is_down(thing), rules.device, wording.device_down(thing, site, call))
        for thing in picture.devices
    ]
    found += [
        about(CAMERA_DOWN, thing.item.id, _is_down(thing), rules.camera, wording.camera_down(thing, site, call))
        for thing in picture.cameras
    ]
    return found


def is_site_dark(picture: SitePicture) -> bool | None:
    """Whether its gear says that there is no light, or everything that lives on the mains is gone at once; None while
    that cannot be told. That there is light excuses nothing: the word of it is older than the silence may be.
    """
    if picture.has_light is False:
        return True
    witnesses = [*picture.cameras, *(thing for thing in picture.devices if not _is_carried(thing))]
    if len(witnesses) < WITNESSES_MIN or any(thing.is_up for thing in witnesses):
        return False
    return None if any(thing.is_up is None or thing.is_silent for thing in witnesses) else True


def is_capture_silent(picture: SitePicture) -> bool | None:
    """Whether a site speaks, but of none of its cameras."""
    if any(thing.is_up is not None and not thing.is_silent for thing in picture.cameras):
        return False
    return all(thing.is_silent for thing in picture.cameras) or None if picture.cameras else False


def _is_carried(thing: Thing) -> bool:
    return isinstance(thing.item, Device) and thing.item.kind in CARRIED


def _is_down(thing: Thing) -> bool | None:
    return None if thing.is_up is None else not thing.is_up
