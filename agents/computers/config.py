"""Owns the `[computer]` section of a computer's agent."""

from typing import Annotated

import msgspec
from msgspec import Meta


class ComputerConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Як часто комп'ютер розповідає про себе центру."""

    every_h: Annotated[float, Meta(ge=1, le=168, description="Раз на скільки годин дивитися, що є, й надсилати.")] = 24
    retry_min: Annotated[
        float, Meta(ge=1, le=1440, description="Через скільки хвилин пробувати знову, коли центру не чути.")
    ] = 15
    timeout_s: Annotated[float, Meta(ge=1, le=120, description="Скільки секунд чекати на відповідь центру.")] = 20.0
