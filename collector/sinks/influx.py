"""The gate of influxdb-client: lines go to any engine that takes InfluxDB v2 writes; its errors become ours.

Proven against VictoriaMetrics. Nobody asks the engine how it is first: VictoriaMetrics has no `/health` of InfluxDB's
kind, and a write that is refused says more. Blocking; one thread at a time.
"""

from pathlib import Path
from typing import Any

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from beket.kernel.errors import (
    BeketError,
    Busy,
    Forbidden,
    NotFound,
    ProtocolError,
    TimedOut,
    Unauthenticated,
    Unreachable,
)
from beket.kernel.secrets import Secret, redact
from beket.kernel.text import say
from collector.sinks.forwarder import Refused

DETAIL_MAX_CHARS = 200
MILLISECONDS: Any = "ms"  # the library types its own constants wrongly


class InfluxWriter:
    """A connection to one bucket."""

    def __init__(
        self, *, url: str, org: str, bucket: str, token: Secret, timeout_s: float = 10, ca_file: Path | None = None
    ) -> None:
        """Nothing is sent yet. `ca_file` names the authority to trust instead of the machine's own."""
        self._url = url
        self._bucket = bucket
        self._client = InfluxDBClient(
            url,
            token=token.reveal(),
            org=org,
            timeout=round(timeout_s * 1000),
            enable_gzip=True,
            ssl_ca_cert=str(ca_file) if ca_file else None,
            retries=False,  # the supervisor waits and tries again, and says so
        )
        self._write_api = self._client.write_api(write_options=SYNCHRONOUS)

    def write(self, lines: bytes) -> None:
        """Hand over line protocol with times in milliseconds; on return the engine has taken all of it.

        Raises:
            Refused: the engine will never take these lines.
            Unauthenticated, Forbidden, NotFound: the token or the bucket is wrong.
            Unreachable, TimedOut, Busy, ProtocolError: not now.
        """
        try:
            self._write_api.write(bucket=self._bucket, record=lines, write_precision=MILLISECONDS)
        except ApiException as error:
            raise _ours(error.status, str(error.body or error.reason or ""), self._url) from error
        except UnicodeDecodeError as error:
            raise _ours(None, "not text", self._url) from error
        except urllib3.exceptions.HTTPError as error:
            # urllib3 counts a refused connection among its time-outs.
            refused = isinstance(error, urllib3.exceptions.NewConnectionError)
            if isinstance(error, urllib3.exceptions.TimeoutError) and not refused:
                raise TimedOut(
                    say("База вимірів не відповіла вчасно.", "The engine did not answer in time."), subject=self._url
                ) from error
            raise _no_way(str(error), self._url) from error

    def close(self) -> None:
        """Let go of the connection."""
        self._write_api.close()  # type: ignore[no-untyped-call]
        self._client.close()  # type: ignore[no-untyped-call]


def _no_way(detail: str, url: str) -> Unreachable:
    words = redact(detail[:DETAIL_MAX_CHARS])
    return Unreachable(
        say("База вимірів не відповідає: {words}", "The engine of samples does not answer: {words}", words=words),
        subject=url,
        hint=say(
            "Перевірте, чи вона працює і чи правильна адреса [sinks] url.",
            "Check that it runs and that the address [sinks] url is right.",
        ),
    )


def _ours(status: int | None, detail: str, url: str) -> BeketError:
    words = redact(detail[:DETAIL_MAX_CHARS])
    if status == 0:  # the library's word for TLS that failed
        return _no_way(detail, url)
    if status in (400, 413, 422):
        return Refused(
            say("База вимірів відхилила рядки: {words}", "The engine refused the lines: {words}", words=words),
            subject=url,
        )
    if status == 401:
        return Unauthenticated(
            say("База вимірів не прийняла токен.", "The engine did not accept the token."),
            subject=url,
            hint=say(
                "Запишіть новий токен у файл [sinks] token_file.", "Write a new token into the file [sinks] token_file."
            ),
        )
    if status == 403:
        return Forbidden(
            say("Токен не дає писати в цю базу.", "The token may not write into this bucket."), subject=url
        )
    if status == 404:
        return NotFound(
            say("У базі вимірів немає такого сховища.", "The engine has no such bucket."),
            subject=url,
            hint=say("Перевірте [sinks] org і bucket.", "Check [sinks] org and bucket."),
        )
    if status in (429, 503):
        return Busy(say("База вимірів зайнята.", "The engine is busy."), subject=url)
    return ProtocolError(
        say(
            "База вимірів відповіла {status}: {words}",
            "The engine answered {status}: {words}",
            status=status,
            words=words,
        ),
        subject=url,
    )
