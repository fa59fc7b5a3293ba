"""Owns what an operator may set about the pages; where they listen is the app's own section."""

from typing import Annotated

import msgspec
from msgspec import Meta


class WebConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Вигляд сторінок."""

    training: Annotated[
        bool, Meta(description="true — на кожній сторінці написано, що місця, камери й події вигадані.")
    ] = False
    stale_after_s: Annotated[
        int, Meta(ge=10, le=3600, description="Скільки секунд вимір ще каже про стан; потім стан невідомий.")
    ] = 60
