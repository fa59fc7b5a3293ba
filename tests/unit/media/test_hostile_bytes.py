import random

import pytest

from tests.hostile import DECLARED, PARSERS, corpus, damaged

INPUTS = 4000


@pytest.mark.parametrize("name", PARSERS)
def test_every_input_that_is_kept_is_read_or_refused_with_the_declared_error(name: str) -> None:
    inputs = corpus(name)
    assert inputs
    for data in inputs:
        try:
            PARSERS[name](data)
        except DECLARED:
            continue


@pytest.mark.parametrize("name", PARSERS)
def test_damaged_inputs_raise_the_declared_error_and_no_other(name: str) -> None:
    rng, seeds = random.Random(name), corpus(name)
    for number in range(INPUTS):
        data = damaged(rng, seeds)
        try:
            PARSERS[name](data)
        except DECLARED:
            continue
        except Exception as error:
            raise AssertionError(f"{name}, input {number}: {data[:2000].hex()}") from error
