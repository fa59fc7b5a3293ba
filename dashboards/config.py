"""Owns what an operator may set about the pages; where they listen is the app's own section."""

from typing import Annotated

import msgspec
from msgspec import Meta

from beket.kernel.errors import InvalidConfig
from beket.kernel.text import say


class WebConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Вигляд сторінок."""

    training: Annotated[
        bool, Meta(description="true — на кожній сторінці написано, що місця, камери й події вигадані.")
    ] = False
    one_click_logins: Annotated[
        tuple[str, ...],
        Meta(
            max_length=40, description="Логіни, якими входять одним клацанням з цієї машини; лише в навчальній громаді."
        ),
    ] = ()
    light_line: Annotated[
        str, Meta(description="Лінія до світла навчальної громади (сокет); у справжній громаді — порожньо.")
    ] = ""
    stale_after_s: Annotated[
        int, Meta(ge=10, le=3600, description="Скільки секунд вимір ще каже про стан; потім стан невідомий.")
    ] = 60

    def __post_init__(self) -> None:
        if (self.one_click_logins or self.light_line) and not self.training:
            raise InvalidConfig(
                say(
                    "one_click_logins і light_line — лише для навчальної громади (training = true).",
                    "one_click_logins and light_line are for a training community only (training = true).",
                )
            )
