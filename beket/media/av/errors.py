"""Owns what an error of PyAV (FFmpeg's libraries) means here: each of `av.error` becomes one of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import av.error

from beket.kernel.errors import (
    BeketError,
    Cancelled,
    Forbidden,
    Internal,
    InvalidArgument,
    NotFound,
    ProtocolError,
    TimedOut,
    Unauthenticated,
    Unreachable,
)
from beket.kernel.text import Text, say

# The nearest class of the foreign error's line of descent decides.
_MAP: dict[type[BaseException], type[BeketError]] = {
    av.error.InvalidDataError: ProtocolError,
    av.error.EOFError: ProtocolError,
    av.error.BufferTooSmallError: ProtocolError,
    av.error.OverflowError: ProtocolError,
    av.error.PatchWelcomeError: ProtocolError,
    av.error.NotImplementedError: ProtocolError,
    av.error.InputChangedError: ProtocolError,
    av.error.OutputChangedError: ProtocolError,
    av.error.ExternalError: ProtocolError,
    av.error.UndefinedError: ProtocolError,
    av.error.UnknownError: ProtocolError,
    av.error.ArgumentError: InvalidArgument,
    av.error.LookupError: Internal,  # this FFmpeg was built without the part that we ask for
    av.error.BugError: Internal,
    av.error.MemoryError: Internal,
    av.error.ExperimentalError: Internal,
    av.error.PyAVCallbackError: Internal,
    av.error.ExitError: Cancelled,
    av.error.InterruptedError: Cancelled,
    av.error.FileNotFoundError: NotFound,
    av.error.IsADirectoryError: NotFound,
    av.error.NotADirectoryError: NotFound,
    av.error.PermissionError: Forbidden,
    av.error.TimeoutError: TimedOut,
    av.error.BlockingIOError: TimedOut,
    av.error.OSError: Unreachable,
    av.error.HTTPNotFoundError: NotFound,
    av.error.HTTPUnauthorizedError: Unauthenticated,
    av.error.HTTPForbiddenError: Forbidden,
    av.error.HTTPClientError: ProtocolError,
    av.error.HTTPError: Unreachable,
    # PyAV's errors inherit the builtin of the same name, and these have no class of their own above them.
    ConnectionError: Unreachable,
    OSError: Unreachable,
}


@contextmanager
def our_errors(subject: str) -> Iterator[None]:
    """Let no error of PyAV out of the block but as one of ours."""
    try:
        yield
    except av.error.FFmpegError as error:
        raise our_error(error, subject) from error


def our_error(error: av.error.FFmpegError, subject: str) -> BeketError:
    """What an error of PyAV means here."""
    ours = next((_MAP[kind] for kind in type(error).__mro__ if kind in _MAP), Internal)
    message: Text = say("Відео не читається: {why}.", "The video cannot be processed: {why}.", why=error.strerror)
    return ours(message, subject=subject)
