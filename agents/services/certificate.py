"""Owns how a certificate is judged: trusted or not and why, and for how long it is still valid.

A certificate that is not trusted is looked at once more without trust, only to read its dates; nothing is asked over
such a connection. The agent's own clock judges, so its word on dates is worth what that clock is.
"""

import contextlib
import ssl
from collections.abc import AsyncIterator

from cryptography import x509

from agents.services import metrics
from agents.services.connection import Connection, connected
from agents.services.probe import Found, Target, Tools
from agents.services.trouble import Failed, Trouble, not_understood
from beket.kernel.clock import NS_PER_S, wall_ns_of
from beket.kernel.metrics import Metric
from beket.kernel.text import Text, counted, say

DAY_S = 86_400
# Automatic renewal comes 30 days ahead: at 14 it has been failing for two weeks, and there is time to mend it.
ENDS_SOON_S = 14 * DAY_S

Samples = tuple[tuple[Metric, float], ...]


async def probe_certificate(target: Target, tools: Tools) -> Found:
    """The certificate alone; see `probe.Probe`."""
    async with trusted(target.host, target.port, tools) as (_, found):
        return found


@contextlib.asynccontextmanager
async def trusted(host: str, port: int, tools: Tools) -> AsyncIterator[tuple[Connection, Found]]:
    """A connection over TLS to a peer that proved who it is, and what is to be said of its certificate.

    Raises:
        Failed: it is not trusted.
        OSError: the way there, or TLS itself.
    """
    try:
        async with connected(host, port, tls=tools.tls) as connection:
            yield connection, found_of(connection.certificate() or b"", tools)
    except ssl.SSLCertVerificationError as error:
        samples: Samples = ()
        with contextlib.suppress(OSError, Failed):
            samples = found_of(await _look(host, port), tools).samples
        left_s = samples[0][1] if samples else 0.0
        trouble, text = complaint(error.verify_code, left_s)
        raise Failed(trouble, text, samples) from error


def found_of(der: bytes, tools: Tools) -> Found:
    """What a trusted certificate tells.

    Raises:
        Failed: it is no certificate.
    """
    try:
        ends_at = x509.load_der_x509_certificate(der).not_valid_after_utc
    except ValueError as error:
        raise not_understood("certificate") from error
    left_s = (wall_ns_of(ends_at) - tools.clock.wall_ns()) / NS_PER_S
    samples = ((metrics.PROBE_CERTIFICATE_LEFT, float(round(left_s))),)
    if left_s > ENDS_SOON_S:
        text = say("Сертифікат дійсний ще {left}.", "The certificate is valid for {left}.", left=span(left_s))
        return Found(text, None, samples)
    text = say(
        "Сертифікат закінчується: лишилося {left}. Потім сторінку не відкриє жоден браузер.",
        "The certificate ends: {left} left. After that no browser opens the page.",
        left=span(left_s),
    )
    return Found(text, Trouble.CERTIFICATE_ENDS, samples)


def complaint(verify_code: int, left_s: float) -> tuple[Trouble, Text]:
    """The word and the sentence for what OpenSSL says of a certificate."""
    match verify_code:
        case 10:
            return Trouble.CERTIFICATE_ENDED, say(
                "Сертифікат закінчився {left} тому. Його треба поновити.",
                "The certificate ended {left} ago. It must be renewed.",
                left=span(-left_s),
            )
        case 9:
            what = say(
                "Сертифікат ще не почав діяти: або він новий, або годинник агента відстає.",
                "The certificate is not valid yet: it is new, or the agent's clock is behind.",
            )
        case 18 | 19:
            what = say(
                "Сертифікат видав собі сам цей сервер, браузери йому не вірять.",
                "The server signed its certificate itself; browsers do not trust it.",
            )
        case 62 | 64:
            what = say("Сертифікат видано на іншу назву.", "The certificate is for another name.")
        case _:
            what = say("Сертифікату не можна вірити.", "The certificate cannot be trusted.")
    return Trouble.CERTIFICATE, what


def span(duration_s: float) -> Text:
    """A duration in words: whole days, or hours when it is less than two days."""
    days, hours = int(duration_s // DAY_S), max(0, int(duration_s // 3600))
    if duration_s >= 2 * DAY_S:
        return say("{in_uk}", "{n} days", in_uk=counted(days, "день", "дні", "днів"), n=days)
    return say("{in_uk}", "{n} hours", in_uk=counted(hours, "година", "години", "годин"), n=hours)


async def _look(host: str, port: int) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    async with connected(host, port, tls=context) as connection:
        return connection.certificate() or b""
