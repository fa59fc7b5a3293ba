"""States and the one sentence over all: what is not known is never called working."""

from beket.kernel.clock import NS_PER_S
from beket.kernel.metrics import Point
from dashboards.web.states import State, known, one_sentence, states_of

NOW_NS = 1_000 * NS_PER_S


def point(camera: str, value: float, *, age_s: int, name: str = "camera_up_ratio") -> Point:
    return Point(name, (("site", "school"), ("camera", camera)), NOW_NS - age_s * NS_PER_S, value)


def test_states_follow_the_newest_samples_and_old_ones_tell_nothing() -> None:
    points = [
        point("a", 1, age_s=5),
        point("b", 0, age_s=5),
        point("c", 1, age_s=61),
        point("a", 9, age_s=0, name="x_y"),
    ]
    found = states_of(points, metric="camera_up_ratio", label="camera", now_ns=NOW_NS, stale_after_s=60)
    assert {name: one.state for name, one in found.items()} == {
        "a": State.WORKS,
        "b": State.SILENT,
        "c": State.UNKNOWN,
    }
    assert known(found, "never-seen").state is State.UNKNOWN
    assert known(found, "never-seen").age_s is None


def test_sentence_asks_nothing_of_the_reader_only_when_all_works() -> None:
    works, silent = State.WORKS, State.SILENT
    assert one_sentence([works] * 2, [works], alerts_firing=0).uk.endswith("Від вас нічого не потрібно.")
    assert "нічого" not in one_sentence([works, State.UNKNOWN], [works], alerts_firing=0).uk
    told = one_sentence([works, silent], [silent], alerts_firing=2)
    assert (
        told.uk == "Працюють камери: 1\u00a0із\u00a02, пристрої: 0\u00a0із\u00a01. Є 2 тривоги: подивіться, що робити."
    )
    assert told.en == "Cameras working: 1\u00a0of\u00a02, devices: 0\u00a0of\u00a01. Alerts: 2. See what to do."
    assert "ще немає" in one_sentence([], [], alerts_firing=0).uk
