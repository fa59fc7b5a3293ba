import io
import json
import logging
import warnings
from collections.abc import Iterator

import pytest

from beket.kernel.logs import LogFormat, configure, level_number

log = logging.getLogger("beket.unit")


@pytest.fixture(autouse=True)
def root_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def lines_of(style: LogFormat, *, level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure(level=level, style=style, stream=stream)  # type: ignore[arg-type] # parametrised
    return stream


def fail_with_a_secret() -> None:
    try:
        raise OSError("cannot open rtsp://admin:hunter2@10.0.0.5/1")
    except OSError:
        log.exception("failed with password=%s", "hunter2")


def test_text_line_has_moment_level_place_and_words() -> None:
    stream = lines_of("text")
    log.warning("камера %s мовчить", "gate")
    moment, _, rest = stream.getvalue().partition(" ")
    assert len(moment) == len("2024-01-01T00:00:00.000Z")
    assert rest == "warning  beket.unit: камера gate мовчить\n"


def test_json_line_has_the_same_as_fields() -> None:
    stream = lines_of("json")
    log.error("камера %s", "gate")
    fields = json.loads(stream.getvalue())
    assert (fields["level"], fields["logger"], fields["message"]) == ("error", "beket.unit", "камера gate")
    assert fields["at"].endswith("+00:00")


@pytest.mark.parametrize("style", ["text", "json"])
def test_secret_is_redacted_in_words_and_traces(style: LogFormat) -> None:
    stream = lines_of(style)
    fail_with_a_secret()
    assert "hunter2" not in stream.getvalue()
    assert "Traceback" in stream.getvalue()
    assert "rtsp://admin:•••@10.0.0.5/1" in stream.getvalue()


def test_json_event_with_a_trace_is_one_line() -> None:
    stream = lines_of("json")
    fail_with_a_secret()
    assert "OSError" in json.loads(stream.getvalue())["trace"]


@pytest.mark.parametrize("style", ["text", "json"])
def test_hostile_name_neither_forges_a_line_nor_reaches_the_terminal(style: LogFormat) -> None:
    stream = lines_of(style)
    log.info("device %s", "a\n2024-01-01T00:00:00.000Z info forged\x1b[2J")
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


def test_level_holds_back_what_is_below_it() -> None:
    stream = lines_of("text", level="warning")
    log.info("quiet")
    log.warning("loud")
    assert stream.getvalue().count("\n") == 1


def test_configuring_again_does_not_double_the_lines() -> None:
    before, after = lines_of("text"), lines_of("text")
    log.info("once")
    assert (before.getvalue(), after.getvalue().count("once")) == ("", 1)


def test_warning_of_a_library_is_a_line_too() -> None:
    stream = lines_of("text")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old call with token=hunter2", stacklevel=1)
    assert "py.warnings" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_level_number_is_that_of_logging() -> None:
    assert level_number("critical") == logging.CRITICAL
    assert level_number("debug") == logging.DEBUG
