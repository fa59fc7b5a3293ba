"""Owns the agent's `[spool]` section."""

from typing import Annotated

import msgspec
from msgspec import Meta

from beket.kernel.units import MIB


class SpoolConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Виміри, які чекають на зв'язок із центром."""

    cap_bytes: Annotated[
        int, Meta(ge=MIB, description="Скільки місця можуть зайняти виміри; далі зникають найдавніші.")
    ] = 256 * MIB
    every_s: Annotated[float, Meta(ge=0.1, le=3600, description="Надсилати раз на стільки секунд.")] = 2.0
