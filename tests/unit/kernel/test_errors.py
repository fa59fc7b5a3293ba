import pytest

from beket.kernel import errors
from beket.kernel.errors import HANDLING, BeketError, Kind, Remedy
from beket.kernel.logs import level_number
from beket.kernel.text import say

CLASSES = {
    found.kind: found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, BeketError) and found is not BeketError
}


def test_every_kind_has_one_class_and_one_row_of_handling() -> None:
    assert set(CLASSES) == set(Kind) == set(HANDLING)
    assert len(CLASSES) == sum(
        isinstance(found, type) and issubclass(found, BeketError) and found is not BeketError
        for found in vars(errors).values()
    )


def test_docstring_draws_every_class_of_the_tree() -> None:
    drawn = errors.__doc__ or ""
    assert all(f"── {found.__name__} " in drawn for found in CLASSES.values())


@pytest.mark.parametrize("kind", Kind)
def test_handling_is_usable_at_each_edge(kind: Kind) -> None:
    handling = HANDLING[kind]
    assert handling.remedy in Remedy
    assert 400 <= handling.http_status <= 599
    assert handling.exit_code == 0 or 64 <= handling.exit_code <= 78  # sysexits.h
    assert level_number(handling.log_level) > 0


def test_what_nobody_can_wait_out_is_not_retried_soon() -> None:
    assert not HANDLING[Kind.DATA_LOSS].retry
    assert not HANDLING[Kind.INVALID_CONFIG].retry
    assert all(row.retry for row in HANDLING.values() if row.remedy is Remedy.WAIT)


@pytest.mark.parametrize(
    ("error_type", "builtin"),
    [
        (errors.InvalidArgument, ValueError),
        (errors.NotFound, LookupError),
        (errors.Unreachable, ConnectionError),
        (errors.TimedOut, TimeoutError),
    ],
)
def test_error_is_caught_as_the_builtin_a_python_reader_expects(
    error_type: type[BeketError], builtin: type[Exception]
) -> None:
    with pytest.raises(builtin) as caught:
        raise error_type(say("Ні.", "No."), subject="school", hint=say("Чекайте.", "Wait."))
    error = caught.value
    assert isinstance(error, BeketError)
    assert (str(error), error.subject) == ("No.", "school")


def test_sentence_says_where_what_and_what_to_do_in_both_languages() -> None:
    error = errors.NoSpace(
        say("Диск заповнений на {pct} %.", "The disk is {pct} % full.", pct=99),
        subject="site-1",
        hint=say("Замініть диск.", "Replace the disk."),
    )
    assert error.sentence().uk == "site-1: Диск заповнений на 99 %. Замініть диск."
    assert error.sentence().en == "site-1: The disk is 99 % full. Replace the disk."
    assert str(error) == "The disk is 99 % full."


def test_sentence_is_the_message_alone_when_nothing_else_is_known() -> None:
    assert errors.Busy(say("Зайнято.", "Busy.")).sentence().uk == "Зайнято."


def test_plain_words_and_foreign_braces_are_kept_as_they_are() -> None:
    error = errors.Internal("KeyError: {'a': 1}", subject="{x}")
    assert error.sentence().uk == error.sentence().en == "{x}: KeyError: {'a': 1}"
