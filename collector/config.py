"""Owns the centre's `[samples]` section."""

from typing import Annotated

import msgspec
from msgspec import Meta


class SamplesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Виміри в центрі: скільки їх зберігати й показувати."""

    retention_days: Annotated[int, Meta(ge=1, le=400, description="Скільки днів зберігати виміри без скорочень.")] = 14
    stale_after_s: Annotated[
        int, Meta(ge=30, le=3600, description="Вимір, давніший за стільки секунд, на /metrics не показують.")
    ] = 300
    maintain_every_s: Annotated[
        int, Meta(ge=10, le=3600, description="Упорядковувати сховище вимірів раз на стільки секунд.")
    ] = 300
