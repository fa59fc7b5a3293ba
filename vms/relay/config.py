"""Owns the `[relay]` section."""

from typing import Annotated

import msgspec
from msgspec import Meta


class RelayConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Потоки RTSP для поліції: rtsp://адреса:порт/<камера>, за паролем ретранслятора."""

    enabled: Annotated[bool, Meta(description="Чи слухати взагалі.")] = False
    interface: Annotated[
        str,
        Meta(description="Мережевий інтерфейс, лише на якому слухати: lo або VPN до поліції (наприклад, wg0)."),
    ] = "lo"
    port: Annotated[int, Meta(ge=0, le=65535, description="Порт; 0 — будь-який вільний.")] = 8554
