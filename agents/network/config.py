"""Owns the agent's `[network]` section."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta


class NetworkConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Опитування мережевих пристроїв об'єкта."""

    interval_s: Annotated[float, Meta(ge=1, le=3600, description="Опитувати кожен пристрій раз на стільки секунд.")] = (
        60.0
    )
    timeout_s: Annotated[float, Meta(ge=0.1, le=30, description="Чекати на одну відповідь стільки секунд.")] = 1.0
    ping_proves_life: Annotated[
        bool, Meta(description="Чи досить відповіді на ping, щоб вважати пристрій із SNMP живим.")
    ] = True
    at_once: Annotated[int, Meta(ge=1, le=1024, description="Скільки пристроїв опитувати одночасно.")] = 64
    traps: Annotated[
        str,
        Meta(
            max_length=100,
            description="Адреса й порт, де чути повідомлення пристроїв (traps): «0.0.0.0:162»; порожньо — не слухати.",
        ),
    ] = ""
    neighbours_every_min: Annotated[
        float,
        Meta(
            ge=0, le=10_080, description="Шукати, що до якого порту під'єднано, раз на стільки хвилин; 0 — не шукати."
        ),
    ] = 60
    modules: Annotated[Path | None, Meta(description="Тека з власними описами пристроїв (*.toml).")] = None
