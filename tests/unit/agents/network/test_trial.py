"""What `beket snmp try` can put into words."""

import typing

from agents.network import trial
from agents.network.module_format import Fact


def test_every_fact_that_a_module_may_have_has_its_word() -> None:
    kinds = typing.get_args(typing.get_type_hints(Fact)["fact"])
    assert set(kinds) == trial.FACT_WORDS.keys()
