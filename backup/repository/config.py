"""Owns the `[repositories]` section of the centre: where repositories lie, who serves them, how they are kept."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

Hour = Annotated[int, Meta(ge=0, le=24)]


class WalkConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Нічний обхід: кожен файл сховищ перечитується й звіряється зі своєю назвою; пароль для цього не потрібен."""

    from_hour: Annotated[int, Meta(ge=0, le=23, description="З котрої години за Києвом читати.")] = 1
    until_hour: Annotated[int, Meta(ge=0, le=24, description="До котрої; те саме, що й початок, — цілодобово.")] = 6
    mib_per_s: Annotated[float, Meta(gt=0, description="Не швидше, МіБ/с, щоб диск встигав решту роботи.")] = 60
    every_hours: Annotated[float, Meta(gt=0, le=24 * 366, description="Обходити сховище раз на стільки годин.")] = 20


class ServiceConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Сервер сховищ: приймає копії з об'єктів (лише дописування, завжди TLS)."""

    enabled: Annotated[bool, Meta(description="Чи приймати копії з об'єктів.")] = False
    host: Annotated[str, Meta(description="Адреса, на якій слухати.")] = "0.0.0.0"  # noqa: S104 - hosts come from outside
    port: Annotated[int, Meta(ge=1, le=65535, description="Порт.")] = 8444
    program: Annotated[str, Meta(description="Програма: rest-server або rclone; порожньо — краща з установлених.")] = ""
    quota_gib: Annotated[float, Meta(ge=0, description="Скільки ГіБ дозволено одному сховищу; 0 — без межі.")] = 0
    guest_quota_gib: Annotated[
        float, Meta(ge=0, description="Скільки ГіБ дозволено одній сусідній громаді, усім її сховищам; 0 — без межі.")
    ] = 200


class KeepConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Скільки копій зберігати. Стирає лише центр і лише у сховищах, які зробив сам."""

    automatic: Annotated[bool, Meta(description="Чи стирати старе самому, вночі, раз на тиждень.")] = True
    all_days: Annotated[int, Meta(ge=1, description="Стільки днів зберігати кожну копію.")] = 14
    daily_days: Annotated[int, Meta(ge=1, description="Стільки днів — одну на день.")] = 90
    weekly_days: Annotated[int, Meta(ge=1, description="Стільки днів — одну на тиждень.")] = 366
    monthly_days: Annotated[int, Meta(ge=1, description="Стільки днів — одну на місяць.")] = 3 * 366
    floor: Annotated[
        int, Meta(ge=3, description="Стільки найновіших копій кожного плану лишається за будь-яких правил.")
    ] = 7


class SecondCopyConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Друга копія всього: на диску, який відносять, або в сусідній громаді («сусідська копія»)."""

    folder: Annotated[Path | None, Meta(description="Тека на знімному диску; підготувати: beket backup second.")] = None
    address_file: Annotated[
        Path | None, Meta(description="Файл (0600) з адресою сховища сусідів, що вони дали: beket backup guest.")
    ] = None
    ca_file: Annotated[Path | None, Meta(description="Сертифікат сервера сусідів.")] = None
    every_hours: Annotated[float, Meta(gt=0, le=24 * 366, description="Оновлювати раз на стільки годин.")] = 24
    rate_kbps: Annotated[int, Meta(ge=0, description="До сусідів не швидше, кбіт/с; 0 — без межі.")] = 0

    @property
    def is_on(self) -> bool:
        """Whether there is to be a second copy."""
        return self.folder is not None or self.address_file is not None


class RepositoriesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Сховища копій у центрі: тека, у ній по сховищу на комп'ютер."""

    folder: Annotated[Path, Meta(description="Тека зі сховищами; кожне зветься кодом об'єкта або агента.")] = Path(
        "/var/lib/beket/repositories"
    )
    look_every_s: Annotated[float, Meta(ge=0.1, description="Раз на стільки секунд глянути на свіжість.")] = 60
    measure_every_s: Annotated[float, Meta(ge=0.1, description="Раз на стільки секунд виміряти розмір.")] = 3600
    service: ServiceConfig = ServiceConfig()
    walk: WalkConfig = WalkConfig()
    keep: KeepConfig = KeepConfig()
    second: SecondCopyConfig = SecondCopyConfig()
