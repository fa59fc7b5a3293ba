"""Owns the agent's `[uplink]` section."""

from typing import Annotated

import msgspec
from msgspec import Meta


class UplinkConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Передача записів у центр тонкою лінією."""

    rate_kbps: Annotated[
        int, Meta(ge=16, le=10_000_000, description="Скільки кілобітів на секунду можна займати записами.")
    ] = 2_000
    timeout_s: Annotated[float, Meta(ge=1, le=120, description="Скільки секунд чекати на відповідь центру.")] = 20.0
