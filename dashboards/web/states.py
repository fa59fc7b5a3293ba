"""Owns what a page says of the present: each thing works, is silent or is not known, and the one sentence over all.

Pure: samples and inventory in, words out. A sample that is too old tells nothing; unknown is never shown as working.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from beket.kernel.clock import NS_PER_S
from beket.kernel.metrics import Point
from beket.kernel.text import Text, counted, say


class State(StrEnum):
    """How a camera or a device is now."""

    WORKS = "works"
    SILENT = "silent"
    UNKNOWN = "unknown"


STATE_WORDS: Mapping[State, Text] = {
    State.WORKS: say("Працює", "Works"),
    State.SILENT: say("Не відповідає", "Silent"),
    State.UNKNOWN: say("Немає даних", "No data"),
}


@dataclass(frozen=True, slots=True)
class Known:
    """A state and how old the knowledge is; `age_s` is None when nothing ever came."""

    state: State
    age_s: float | None


def states_of(points: Iterable[Point], *, metric: str, label: str, now_ns: int, stale_after_s: int) -> dict[str, Known]:
    """The state of each thing that `label` names, by the newest samples of `metric`."""
    found: dict[str, Known] = {}
    for point in points:
        if point.name != metric:
            continue
        age_s = max(0.0, (now_ns - point.wall_ns) / NS_PER_S)
        state = State.WORKS if point.value > 0 else State.SILENT
        found[dict(point.labels)[label]] = Known(state if age_s <= stale_after_s else State.UNKNOWN, age_s)
    return found


def known(states: Mapping[str, Known], thing: str) -> Known:
    """The state of one thing; not known when it has none."""
    return states.get(thing, Known(State.UNKNOWN, None))


def one_sentence(cameras: Sequence[State], devices: Sequence[State], *, alerts_firing: int) -> Text:
    """What stands on top of every first page: how much works, and whether the reader has to do anything."""
    if not cameras and not devices:
        return say("Тут ще немає ні камер, ні пристроїв.", "There are no cameras and no devices here yet.")
    if alerts_firing:
        todo = say(
            "Є {alerts}: подивіться, що робити.",
            "Alerts: {n}. See what to do.",
            alerts=counted(alerts_firing, "тривога", "тривоги", "тривог"),
            n=alerts_firing,
        )
    elif all(state is State.WORKS for state in (*cameras, *devices)):
        todo = say("Від вас нічого не потрібно.", "Nothing is needed from you.")
    else:
        todo = say("Причину з’ясовуємо.", "We are finding out why.")
    return say(
        "Працюють камери: {cameras}, пристрої: {devices}. {todo}",
        "Cameras working: {cameras}, devices: {devices}. {todo}",
        cameras=_share(cameras),
        devices=_share(devices),
        todo=todo,
    )


def _share(states: Sequence[State]) -> Text:
    working = sum(state is State.WORKS for state in states)
    return say("{n}\u00a0із\u00a0{all}", "{n}\u00a0of\u00a0{all}", n=working, all=len(states))
