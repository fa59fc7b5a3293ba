import msgspec
import pytest

from beket.kernel.ids import CameraId, CommunityId, DeviceId, ProviderId, SiteId
from beket.kernel.inventory import SPECIAL_CLASSES, AccessClass, Camera, Community, Device, Inventory, Provider, Site

SCHOOL, CLUB = SiteId("school"), SiteId("club")
CAMERA = Camera(
    id=CameraId("gate"),
    site=SCHOOL,
    name="Ворота",
    url="rtsp://10.0.0.5/1",
    purpose="Безпека входу",
    basis="Рішення № 7 від 01.02.2024",
    retention_days=14,
    access=AccessClass.ENTRANCE,
)


def test_camera_records_when_the_four_questions_are_answered() -> None:
    assert CAMERA.may_record() is True


@pytest.mark.parametrize("missing", [{"purpose": ""}, {"basis": ""}, {"retention_days": 0}, {"access": None}])
def test_camera_does_not_record_when_one_answer_is_missing(missing: dict[str, object]) -> None:
    assert msgspec.structs.replace(CAMERA, **missing).may_record() is False


def test_new_camera_does_not_record() -> None:
    assert Camera(id=CameraId("a"), site=SCHOOL, name="", url="rtsp://h/1").may_record() is False


def test_special_classes_are_all_but_the_street_and_entrances() -> None:
    assert set(AccessClass) - SPECIAL_CLASSES == {AccessClass.STREET, AccessClass.ENTRANCE}


def test_part_of_gives_an_agent_its_own_site_and_nothing_else() -> None:
    whole = Inventory(
        version=7,
        community=Community(id=CommunityId("zhuravlyna"), name="Журавлина"),
        sites=(Site(id=SCHOOL, name="Школа", village="Яр"), Site(id=CLUB, name="Клуб", village="Гай")),
        devices=tuple(Device(id=DeviceId(f"{s}-r"), site=s, name="r", address="10.0.0.1") for s in (SCHOOL, CLUB)),
        cameras=(CAMERA, msgspec.structs.replace(CAMERA, id=CameraId("stage"), site=CLUB)),
    )
    part = whole.part_of(SCHOOL)
    assert (part.version, part.community) == (7, whole.community)
    assert [s.id for s in part.sites] == [SCHOOL]
    assert [d.id for d in part.devices] == ["school-r"]
    assert [c.id for c in part.cameras] == ["gate"]
    assert msgspec.json.decode(msgspec.json.encode(part), type=Inventory) == part


@pytest.mark.parametrize(("hours", "ratio"), [(0, None), (72, 0.9), (720, 0.0)])
def test_what_a_provider_promises_follows_from_the_hours_that_he_may_be_down(hours: int, ratio: float | None) -> None:
    assert Provider(id=ProviderId("isp"), name="Лінк", down_hours_max=hours).promised_ratio == ratio


def test_part_of_an_unknown_site_is_empty() -> None:
    empty = Inventory(version=0, community=Community(id=CommunityId("a"), name="А"))
    assert empty.part_of(SCHOOL) == empty
