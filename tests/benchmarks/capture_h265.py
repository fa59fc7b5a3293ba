"""`capture_h265`: as `capture`, with H.265."""

from tests.benchmarks.capture import run_codec
from tests.benchmarks.result import Result


def run(*, pairs: int) -> Result:
    """Measure both sides `pairs` times."""
    return run_codec("h265", name="capture_h265", pairs=pairs)
