"""Owns the centre's `[alerts]` section."""

from typing import Annotated

import msgspec
from msgspec import Meta


class AlertsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Тривоги: як часто дивитися, скільки чекати, перш ніж турбувати людей."""

    every_s: Annotated[float, Meta(ge=1, le=300, description="Перевіряти, чи все працює, раз на стільки секунд.")] = (
        10.0
    )
    site_silent_after_s: Annotated[
        float, Meta(ge=5, le=86_400, description="Об'єкт мовчить стільки секунд — тривога.")
    ] = 180.0
    dark_for_s: Annotated[
        float, Meta(ge=0, le=3600, description="Усе на об'єкті разом не працює стільки секунд — одна тривога.")
    ] = 30.0
    device_for_s: Annotated[
        float, Meta(ge=0, le=3600, description="Пристрій не відповідає стільки секунд — тривога.")
    ] = 120.0
    camera_for_s: Annotated[float, Meta(ge=0, le=3600, description="Камера не записує стільки секунд — тривога.")] = (
        120.0
    )
    keep_firing_for_s: Annotated[
        float, Meta(ge=0, le=3600, description="Тривога минула, коли все справно стільки секунд поспіль.")
    ] = 60.0
    stale_after_s: Annotated[
        float, Meta(ge=10, le=3600, description="Вимір, давніший за стільки секунд, нічого не каже про цю мить.")
    ] = 300.0
    contact: Annotated[
        str, Meta(max_length=200, description="Кому дзвонити: ім'я та телефон; стоїть у кожній тривозі.")
    ] = ""
