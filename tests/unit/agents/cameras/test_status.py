import random

from agents.cameras import metrics
from agents.cameras.capture import Capture
from agents.cameras.config import CamerasConfig
from agents.cameras.status import CameraState
from beket.kernel.clock import SimulatedClock
from beket.kernel.config import example
from beket.kernel.ids import CameraId, SiteId
from beket.kernel.inventory import AccessClass, Camera
from beket.kernel.metrics import Catalogue
from beket.kernel.ports import GapReason
from beket.kernel.secrets import SecretFolder

LAWFUL = Camera(
    id=CameraId("gate"), site=SiteId("council"), name="Ворота", url="rtsp://c/1", purpose="охорона", basis="№ 1",
    retention_days=30, access=AccessClass.STREET,
)  # fmt: skip
PURPOSELESS = Camera(id=CameraId("yard"), site=SiteId("council"), name="Двір", url="rtsp://c/2")


def capture(*cameras: Camera) -> Capture:
    made = Capture(
        sink=None,  # type: ignore[arg-type] # nothing is written in these tests
        secrets=SecretFolder(None),  # type: ignore[arg-type]
        clock=SimulatedClock(),
        rng=random.Random(1),
    )
    made.apply(cameras)
    return made


def test_camera_is_connecting_before_its_first_frame_and_one_without_a_purpose_says_what_to_fill_in() -> None:
    gate, yard = capture(LAWFUL, PURPOSELESS).statuses()
    assert (gate.state, gate.error, gate.reason, gate.last_frame_age_s) == (CameraState.CONNECTING, None, None, None)
    assert (yard.state, yard.reason) == (CameraState.NO_PURPOSE, GapReason.NO_PURPOSE)
    assert yard.error is not None
    assert "Заповніть" in yard.error.uk


def test_cameras_that_left_the_inventory_have_no_status() -> None:
    made = capture(LAWFUL, PURPOSELESS)
    made.apply([PURPOSELESS])
    assert [status.camera for status in made.statuses()] == ["yard"]


def test_samples_are_declared_and_only_for_cameras_that_ought_to_record() -> None:
    catalogue = Catalogue(metrics.METRICS)
    samples = metrics.points(capture(LAWFUL, PURPOSELESS).statuses(), wall_ns=7)
    assert {sample.labels for sample in samples} == {(("site", "council"), ("camera", "gate"))}
    assert all(catalogue.accepts(sample) and sample.wall_ns == 7 for sample in samples)
    assert {sample.name: sample.value for sample in samples}["camera_up_ratio"] == 0


def test_settings_explain_themselves_in_the_example() -> None:
    text = example(CamerasConfig)
    assert "tick_ms = 40" in text
    assert "rpo_s = 2.0" in text
