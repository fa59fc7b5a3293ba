import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from beket.kernel.config import Mistake
from beket.kernel.ids import CameraId, CommunityId, DeviceId, ProviderId, SiteId
from beket.kernel.inventory import Camera, Community, Device, Inventory, Provider, Site
from beket.testing.inventories import COMMUNITY, EMPTY, community_of_real_size, inventories
from collector.inventory.changes import ThingKind, diff
from collector.inventory.checks import find_mistakes, find_oddities
from collector.inventory.draft import InventoryMistakes, tidied

SCHOOL = Site(id=SiteId("school"), name="Ліцей", village="Яр")
ROUTER = Device(id=DeviceId("router"), site=SCHOOL.id, name="Роутер", address="10.0.0.1", secret="snmp-own")
GATE = Camera(id=CameraId("gate"), site=SCHOOL.id, name="Ворота", url="rtsp://10.0.0.5/1")
SMALL = Inventory(version=1, community=COMMUNITY, sites=(SCHOOL,), devices=(ROUTER,), cameras=(GATE,))


def mistakes_with(**fields: Any) -> list[Mistake]:
    return find_mistakes(msgspec.structs.replace(SMALL, **fields), SMALL, {})


def mistakes_of_camera(**fields: Any) -> list[Mistake]:
    return mistakes_with(cameras=(msgspec.structs.replace(GATE, **fields),))


def mistakes_of_device(**fields: Any) -> list[Mistake]:
    return mistakes_with(devices=(msgspec.structs.replace(ROUTER, **fields),))


@given(inventories())
@settings(max_examples=30)
def test_what_the_strategies_make_is_accepted_and_tidy(inventory: Inventory) -> None:
    assert find_mistakes(inventory, EMPTY, {}) == []
    assert tidied(inventory) == inventory


def test_a_community_of_real_size_has_no_mistakes() -> None:
    assert find_mistakes(community_of_real_size(), EMPTY, {}) == []


def test_every_mistake_is_listed_at_once_with_its_place() -> None:
    new = msgspec.structs.replace(
        SMALL,
        sites=(SCHOOL, SCHOOL, Site(id=SiteId("Клуб"), name="", village="")),
        devices=(msgspec.structs.replace(ROUTER, site=SiteId("scool"), address="10.0.0.256", snmp="v4"),),
        cameras=(msgspec.structs.replace(GATE, url="10.0.0.5", retention_days=400),),
    )
    found = find_mistakes(new, SMALL, {})
    assert [mistake.place for mistake in found] == [
        "sites[1].id", "sites[2].id", "sites[2].name", "sites[2].village", "devices[0].site", "devices[0].address",
        "devices[0].snmp", "cameras[0].url", "cameras[0].retention_days",
    ]  # fmt: skip
    said = [mistake.sentence().uk for mistake in found]
    assert said[0] == "sites[1].id: Ідентифікатор «school» уже є: sites[0].id. Дайте інший."
    assert said[1].endswith("Підійде «klub».")
    assert said[4] == "devices[0].site: Об'єкта «scool» немає. Можливо, «school»?"


def test_a_site_is_found_by_its_name_when_the_id_was_not_known() -> None:
    (mistake,) = mistakes_of_camera(site=SiteId("Ліцейй"))
    assert mistake.hint is not None
    assert mistake.hint.uk == "Можливо, «school»?"


def test_removing_a_site_with_things_on_it_says_so() -> None:
    found = mistakes_with(sites=())
    assert [mistake.place for mistake in found] == ["devices[0].site", "cameras[0].site"]
    assert "вилучається" in found[0].sentence().uk


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://admin:hidden1@10.0.0.5/1",
        "rtsp://admin@10.0.0.5/1",
        "rtsp://10.0.0.5/user=admin_password=hidden1_channel=1",
        "rtsp://10.0.0.5/live?user=admin&pwd=hidden1",
        "http://10.0.0.5/video?token=hidden1",
        "гtsp://admin:hidden1@10.0.0.5/1",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    (mistake,) = mistakes_of_camera(url=url)
    assert "логін або пароль" in mistake.what.uk
    assert "hidden1" not in mistake.sentence().uk + mistake.sentence().en


@pytest.mark.parametrize(
    "url",
    ["", "10.0.0.5", "ftp://10.0.0.5/1", "rtsp://", "rtsp://10.0.0.5:0/1", "rtsp://10.0.0.5:99999/1", "rtsp://[::1/1",
     "rtsp://0.0.0.0/1", "rtsp://239.1.1.1/1", "rtsp://10.0.0.5/а", "rtsp://10.0.0.5/a b", "rtsp://1.2.3/1"],
)  # fmt: skip
def test_an_address_that_is_no_stream_is_refused(url: str) -> None:
    assert [mistake.place for mistake in mistakes_of_camera(url=url)] == ["cameras[0].url"]


@pytest.mark.parametrize(
    "url",
    ["rtsp://10.0.0.5", "rtsps://cam.lan:322/a?channel=1&subtype=0", "rtsp://[fd00::1]:554/1", "rtsp://127.0.0.1:8554/x",
     "http://10.0.0.5/video@1"],
)  # fmt: skip
def test_an_address_of_a_stream_is_accepted(url: str) -> None:
    assert mistakes_of_camera(url=url) == []


@pytest.mark.parametrize(
    "address",
    ["", "10.0.0.256", "a..b", "-a", "a/b", "http://a", "u@a", "a:0", "a:70000", "a:x", "[::1]x", "224.0.0.1"],
)
def test_an_address_that_is_no_host_is_refused(address: str) -> None:
    assert [mistake.place for mistake in mistakes_of_device(address=address)] == ["devices[0].address"]


@pytest.mark.parametrize("address", ["10.0.0.1", "10.0.0.1:1161", "switch-1", "sw.lan.", "fd00::1", "[fd00::1]:161"])
def test_an_address_of_a_host_is_accepted(address: str) -> None:
    assert mistakes_of_device(address=address) == []


@pytest.mark.parametrize("secret", ["admin:Hidden1", "public", "12345", "пароль"])
def test_a_secret_written_where_its_name_belongs_is_refused_and_not_repeated(secret: str) -> None:
    (mistake,) = mistakes_of_camera(secret=secret)
    assert mistake.place == "cameras[0].secret"
    assert secret not in mistake.sentence().en


@pytest.mark.parametrize(("hours", "places"), [(-1, 1), (721, 1), (0, 0), (720, 0)])
def test_a_provider_may_be_down_no_longer_than_a_month(hours: int, places: int) -> None:
    provider = Provider(id=ProviderId("isp"), name="Лінк", down_hours_max=hours)
    assert [one.place for one in mistakes_with(providers=(provider,))] == ["providers[0].down_hours_max"] * places


@pytest.mark.parametrize("days", [-1, 366])
def test_retention_outside_its_bounds_is_refused(days: int) -> None:
    assert [mistake.place for mistake in mistakes_of_camera(retention_days=days)] == ["cameras[0].retention_days"]


def test_an_id_never_passes_to_a_thing_at_another_site() -> None:
    found = find_mistakes(SMALL, EMPTY, {(ThingKind.CAMERA, "gate"): "club", (ThingKind.DEVICE, "router"): "school"})
    assert [mistake.place for mistake in found] == ["cameras[0].id"]
    assert "«club»" in found[0].sentence().uk


def test_the_community_is_never_another_nor_nameless() -> None:
    found = mistakes_with(community=Community(id=CommunityId("inshi"), name=""))
    assert [mistake.place for mistake in found] == ["community.id", "community.name"]


def test_template_rows_and_endless_texts_are_refused() -> None:
    assert [m.place for m in mistakes_of_camera(name="Приклад: вхід")] == ["cameras[0].name"]
    assert [m.place for m in mistakes_of_camera(purpose="я" * 1001)] == ["cameras[0].purpose"]


def test_oddities_are_said_about_what_changes_and_nothing_else() -> None:
    device = msgspec.structs.replace(ROUTER, id=DeviceId("twin"), secret="")
    new = msgspec.structs.replace(SMALL, devices=(ROUTER, device))
    said = [notice.uk for notice in find_oddities(diff(SMALL, new), new)]
    assert len(said) == 2
    assert "public: twin" in said[0]
    assert said[1] == "Одна адреса 10.0.0.1 у кількох: router, twin."
    silent = [notice.uk for notice in find_oddities(diff(EMPTY, SMALL), SMALL)]
    assert silent == ["1 камера без запису, бо немає призначення, підстави, строку або класу доступу: gate."]


def test_thousands_of_mistakes_are_found_soon_and_the_first_fifty_are_said() -> None:
    cameras = tuple(msgspec.structs.replace(GATE, id=CameraId(f"c{n}"), site=SiteId("nowhere")) for n in range(2000))
    sites = tuple(Site(id=SiteId(f"site-{n}"), name=f"Об'єкт {n}", village="Яр") for n in range(2000))
    began = time.process_time()
    error = InventoryMistakes(find_mistakes(msgspec.structs.replace(SMALL, sites=sites, cameras=cameras), SMALL, {}))
    assert time.process_time() - began < 5
    assert len(error.mistakes) == 2001
    assert error.sentence().uk.endswith("… і ще 1951 помилка.")
    assert error.sentence().uk.count("\n") == 50


def test_a_device_of_v3_needs_a_secret_and_is_never_called_public() -> None:
    device = msgspec.structs.replace(ROUTER, snmp="v3", secret="")
    mistakes = find_mistakes(msgspec.structs.replace(SMALL, devices=(device,)), SMALL, {})
    assert [mistake.place for mistake in mistakes] == ["devices[0].secret"]


def test_a_command_line_needs_its_secrets_name_and_never_holds_the_password() -> None:
    line = {"shell": "mikrotik://beket@10.0.0.1", "shell_secret": "router-ssh", "host_key": "SHA256:" + "k" * 43}
    assert mistakes_of_device(**line) == []
    wrong = {
        "shell": "mikrotik://beket:Hidden1@10.0.0.1",
        "shell_secret": "",
        "host_key": "aa:bb:cc",
    }
    mistakes = mistakes_of_device(**(line | wrong))
    assert [mistake.place.partition(".")[2] for mistake in mistakes] == ["shell", "shell_secret", "host_key"]
    assert "Hidden1" not in "".join(mistake.sentence().uk for mistake in mistakes)
    (named,) = mistakes_of_device(**(line | {"shell_secret": "Hidden 1"}))
    assert named.place == "devices[0].shell_secret"
    assert "Hidden" not in named.sentence().uk
