"""What wiring tells retention of the inventory."""

from beket.app.wiring.recordings import keeping_of
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.inventory import AccessClass, Camera, Community, Inventory, Upload
from vms.recordings.sacrifice import Keeping


def camera(name: str, *, days: int, purpose: str = "Порядок", upload: Upload = Upload.ALWAYS) -> Camera:
    return Camera(
        id=CameraId(name),
        site=SiteId("school"),
        name=name,
        url="rtsp://a/1",
        purpose=purpose,
        basis="Рішення 7",
        retention_days=days,
        access=AccessClass.STREET,
        upload=upload,
    )


KNOWN = Inventory(
    version=1,
    community=Community(id=CommunityId("dobrianka"), name="Добрянка"),
    cameras=(
        camera("gate", days=30),
        camera("yard", days=7, upload=Upload.ON_REQUEST),
        camera("roof", days=14, purpose=""),
        camera("new", days=0),
    ),
)


def test_at_the_site_what_travels_waits_for_the_centre_and_the_rest_goes_by_its_term() -> None:
    assert keeping_of(KNOWN, edge=True) == {
        "gate": Keeping(30, needs_acknowledgement=True, has_copies=True),
        "yard": Keeping(7, needs_acknowledgement=False, has_copies=True),
        "roof": Keeping(14, needs_acknowledgement=True, has_copies=True),
    }


def test_a_camera_whose_purpose_was_taken_away_still_loses_its_recordings_in_time() -> None:
    assert keeping_of(KNOWN, edge=False)[CameraId("roof")] == Keeping(14, needs_acknowledgement=False)
    assert "new" not in keeping_of(KNOWN, edge=False)
