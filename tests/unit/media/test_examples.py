import doctest
from types import ModuleType

import pytest

from beket.media import timing
from beket.media.fmp4 import boxes
from beket.media.rtp import parameter_sets


@pytest.mark.parametrize("module", [timing, boxes, parameter_sets], ids=lambda module: module.__name__)
def test_examples_in_the_docstrings_are_true(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
