"""Owns the settings of capture: how often sockets are read and disks made sure of."""

from typing import Annotated

import msgspec


class CamerasConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Запис із камер."""

    tick_ms: Annotated[
        int, msgspec.Meta(ge=10, le=500, description="Як часто читати потік камери, на яку дивляться, у мілісекундах.")
    ] = 40
    idle_tick_ms: Annotated[
        int, msgspec.Meta(ge=10, le=500, description="Як часто читати потік, який лише записується; більше = дешевше.")
    ] = 100
    rpo_s: Annotated[
        float, msgspec.Meta(ge=0.5, le=60, description="Скільки секунд запису можна втратити, якщо зникне живлення.")
    ] = 2.0
    segment_s: Annotated[int, msgspec.Meta(ge=5, le=120, description="Довжина одного файла запису, у секундах.")] = 20
