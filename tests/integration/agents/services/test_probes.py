"""Each probe against a real server of somebody else's."""

import asyncio
import random
import socket
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from agents.network.icmp import Pinger
from agents.services import metrics
from agents.services.kinds import PROBES
from agents.services.probe import Outcome, Reading, Tools, read, target_of
from agents.services.trouble import Trouble
from beket.kernel.clock import SystemClock
from beket.kernel.ids import ServiceId, SiteId
from beket.kernel.inventory import Service
from beket.kernel.secrets import SecretFolder
from beket.testing.certificates import Authority, authority
from beket.testing.gst_rtsp import LiveScene, gst_rtsp_server
from beket.testing.name_server import name_server
from beket.testing.time_server import time_server
from beket.testing.web_server import Page, web_server
from tests.service_readings import WITHIN_S, ClockAhead, ask, fails, value, works

DAY_S = 86_400


# Ports ----------------------------------------------------------------------------------------------------------------


def test_an_open_port_works_and_a_closed_one_is_refused() -> None:
    with web_server({}) as server:
        assert works(ask(f"tcp://127.0.0.1:{server.port}"))
    reading = ask(f"tcp://127.0.0.1:{server.port}")
    assert fails(reading, Trouble.REFUSED)
    assert reading.text.uk == "Вузол є, але служба на цьому порту не працює."


def test_a_name_that_is_none_and_a_mute_host_are_told_apart() -> None:
    assert fails(ask("tcp://no-such-host.invalid:80"), Trouble.NAME)
    with socket.create_server(("127.0.0.1", 0)) as mute:  # accepts and never says a word
        reading = ask(f"tcp://127.0.0.1:{mute.getsockname()[1]}", expect="220", within_s=0.3)
    assert fails(reading, Trouble.SILENT)
    assert reading.text.uk == "Немає відповіді за 0.3 с."


# Pages ----------------------------------------------------------------------------------------------------------------

HOME = Page("<h1>Могилівська громада</h1>".encode())


def test_a_page_opens_and_holds_what_it_should() -> None:
    with web_server({"/": HOME, "/long": Page(b"x" * 5000 + b"end", is_chunked=True)}) as server:
        assert works(ask(f"http://127.0.0.1:{server.port}/", expect="громада"))
        assert works(ask(f"http://127.0.0.1:{server.port}/long", expect="end"))
        missing = ask(f"http://127.0.0.1:{server.port}/", expect="Казино")
        assert fails(missing, Trouble.TEXT)
        assert missing.text.uk == "Сторінка відкривається, але на ній немає «Казино»."
        assert fails(ask(f"http://127.0.0.1:{server.port}/old"), Trouble.STATUS)


def test_a_redirect_is_followed_on_the_same_host_and_never_to_another() -> None:
    with web_server({"/": HOME}) as stranger:
        pages = {
            "/": Page(status=301, headers={"Location": "/home?a=1"}),
            "/home?a=1": HOME,
            "/away": Page(status=302, headers={"Location": f"http://localhost:{stranger.port}/"}),
            "/round": Page(status=302, headers={"Location": "/round"}),
        }
        with web_server(pages) as server:
            assert works(ask(f"http://127.0.0.1:{server.port}/", expect="громада"))
            away = ask(f"http://127.0.0.1:{server.port}/away")
            assert (away.outcome, away.trouble) == (Outcome.ATTENTION, Trouble.ELSEWHERE)
            assert f"http://localhost:{stranger.port}/" in away.text.uk
            assert fails(ask(f"http://127.0.0.1:{server.port}/away", expect="громада"), Trouble.ELSEWHERE)
            assert fails(ask(f"http://127.0.0.1:{server.port}/round"), Trouble.ELSEWHERE)
        assert stranger.asked == []


@pytest.fixture(scope="module")
def ours() -> Any:
    with authority() as made:
        yield made


def test_a_certificate_in_order_says_how_long_it_lasts(ours: Authority) -> None:
    with web_server({"/": HOME}, tls=ours.server(days_left=89.5)) as server:
        page = ask(f"https://localhost:{server.port}/", expect="громада", tls=ours.trust())
        alone = ask(f"tls://localhost:{server.port}", tls=ours.trust())
    assert works(page)
    assert works(alone)
    assert alone.text.uk == "Сертифікат дійсний ще 89 днів."
    for reading in (page, alone):
        assert 89 * DAY_S < value(reading, metrics.PROBE_CERTIFICATE_LEFT) < 89.6 * DAY_S


def test_a_certificate_that_ends_soon_is_told_ahead_while_the_page_still_works(ours: Authority) -> None:
    with web_server({"/": HOME}, tls=ours.server(days_left=9.5)) as server:
        reading = ask(f"https://localhost:{server.port}/", tls=ours.trust())
    assert (reading.outcome, reading.trouble) == (Outcome.ATTENTION, Trouble.CERTIFICATE_ENDS)
    assert "лишилося 9 днів" in reading.text.uk
    assert value(reading, metrics.PROBE_UP) == 1


@pytest.mark.parametrize(
    ("host", "server", "trouble", "words"),
    [
        ("localhost", lambda ours: ours.server(days_left=-3.5), Trouble.CERTIFICATE_ENDED, "закінчився 3 дні тому"),
        ("localhost", lambda ours: ours.server(own=True), Trouble.CERTIFICATE, "видав собі сам"),
        ("127.0.0.1", lambda ours: ours.server("localhost"), Trouble.CERTIFICATE, "на іншу назву"),
    ],
)
def test_a_certificate_that_browsers_refuse_fails_with_its_reason_and_its_dates(
    ours: Authority, host: str, server: Callable[[Authority], ssl.SSLContext], trouble: Trouble, words: str
) -> None:
    with web_server({"/": HOME}, tls=server(ours)) as running:
        reading = ask(f"https://{host}:{running.port}/", tls=ours.trust())
        assert running.asked == []  # nothing is asked of who did not prove itself
    assert fails(reading, trouble)
    assert words in reading.text.uk
    assert value(reading, metrics.PROBE_CERTIFICATE_LEFT) != 0


def test_a_port_without_tls_is_said_to_have_none(ours: Authority) -> None:
    with web_server({"/": HOME}) as server:
        assert ask(f"https://localhost:{server.port}/", tls=ours.trust()).trouble in (Trouble.TLS, Trouble.CUT)


# Names and time -------------------------------------------------------------------------------------------------------


@pytest.mark.needs("dnsmasq")
def test_a_name_server_knows_a_name_and_says_what_it_should() -> None:
    many = [("many.test", f"10.9.0.{n}") for n in range(1, 61)]
    options = ("--mx-host=rada.test,mail.rada.test,10", "--txt-record=rada.test,v=spf1 -all", "--edns-packet-max=512")
    with name_server(*options, hosts=[("rada.test", "10.1.2.3"), ("rada.test", "fd00::7"), *many]) as port:
        at = f"dns://127.0.0.1:{port}/rada.test"
        plain = ask(at)
        assert works(plain)
        assert plain.text.uk == "Сервер імен відповідає: 10.1.2.3."
        assert works(ask(f"{at}?type=AAAA", expect="fd00::7"))
        assert works(ask(f"{at}?type=MX", expect="Mail.Rada.test."))
        assert works(ask(f"{at}?type=TXT", expect="v=spf1 -all"))
        assert works(ask(f"dns://127.0.0.1:{port}/many.test", expect="10.9.0.60"))  # over TCP: it does not fit
        other = ask(at, expect="10.6.6.6")
        assert fails(other, Trouble.TEXT)
        assert other.text.uk == "Для «rada.test» сервер імен каже «10.1.2.3», а має бути «10.6.6.6»."
        assert fails(ask(f"dns://127.0.0.1:{port}/no.test"), Trouble.ABSENT)
        assert fails(ask(f"dns://127.0.0.1:{port}/rada.test?type=NS"), Trouble.ABSENT)
        assert fails(ask(f"dns://127.0.0.1:{port}/example.org"), Trouble.STATUS)  # it asks nobody else: refused
    assert fails(ask(f"dns://127.0.0.1:{port}/rada.test"), Trouble.REFUSED)


@pytest.mark.needs("chronyd")
def test_a_time_server_is_compared_with_our_clock() -> None:
    with time_server(stratum=8) as port:
        right = ask(f"ntp://127.0.0.1:{port}")
        ahead = ask(f"ntp://127.0.0.1:{port}", clock=ClockAhead(3600))
        behind = ask(f"ntp://127.0.0.1:{port}", clock=ClockAhead(-90))
    assert works(right)
    assert value(right, metrics.PROBE_CLOCK_STRATUM) == 8
    assert abs(value(right, metrics.PROBE_CLOCK_OFFSET)) < 2
    assert (ahead.outcome, ahead.trouble) == (Outcome.ATTENTION, Trouble.CLOCK_OFF)
    assert value(ahead, metrics.PROBE_CLOCK_OFFSET) == pytest.approx(-3600, abs=2)
    assert "поспішає" in ahead.text.uk
    assert value(behind, metrics.PROBE_CLOCK_OFFSET) == pytest.approx(90, abs=2)
    assert "відстає" in behind.text.uk


@pytest.mark.needs("chronyd")
def test_a_time_server_that_does_not_know_the_time_is_no_help() -> None:
    with time_server(stratum=None) as port:
        assert fails(ask(f"ntp://127.0.0.1:{port}"), Trouble.CLOCK_UNSET)


# Streams --------------------------------------------------------------------------------------------------------------


@pytest.mark.needs("gst-rtsp-server")
def test_a_stream_is_asked_for_with_the_login_it_wants(tmp_path: Path) -> None:
    (tmp_path / "camera").write_text("viewer:right horse")
    (tmp_path / "wrong").write_text("viewer:staple")
    for file in tmp_path.iterdir():
        file.chmod(0o600)
    with gst_rtsp_server(LiveScene("/scene"), login=("viewer", "right horse")) as camera:
        good = ask(camera.url("/scene"), secret="camera", secrets=tmp_path, expect="H264")
        assert works(good), good
        assert fails(ask(camera.url("/scene"), secret="wrong", secrets=tmp_path), Trouble.LOGIN)
        assert fails(ask(camera.url("/scene")), Trouble.LOGIN)
        assert fails(ask(camera.url("/scene"), secret="absent", secrets=tmp_path), Trouble.SETTING)
        assert fails(ask(camera.url("/none"), secret="camera", secrets=tmp_path), Trouble.ABSENT)
        camera.freeze()
        assert fails(ask(camera.url("/scene"), within_s=0.5), Trouble.SILENT)
        camera.thaw()


# Lines ----------------------------------------------------------------------------------------------------------------


@pytest.mark.needs("ping")
def test_a_line_is_measured_by_a_burst() -> None:
    reading = ask("ping://127.0.0.1")
    assert works(reading)
    assert value(reading, metrics.LINK_UP) == 1
    assert value(reading, metrics.LINK_LOSS) == 0
    assert 0 <= value(reading, metrics.LINK_LATENCY) < 1
    assert 0 <= value(reading, metrics.LINK_JITTER) < 1
    dead = ask("ping://no-such-host.invalid")
    assert fails(dead, Trouble.SILENT)
    assert (value(dead, metrics.LINK_UP), value(dead, metrics.LINK_LOSS)) == (0, 1)


# Hostile servers ------------------------------------------------------------------------------------------------------

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]

ENDLESS = [
    pytest.param("http", b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 8192, id="a page without end"),
    pytest.param("http", b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 1000, id="headers without end"),
    pytest.param("http", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000, id="chunks"),
    pytest.param("http", b"", b"\0" * 8192, id="no HTTP"),
    pytest.param("tcp", b"", b"x" * 8192, id="a greeting without end"),
    pytest.param("rtsp", b"RTSP/1.0 200 OK\r\n", b"a: b\r\n" * 1000, id="RTSP headers without end"),
]


@pytest.mark.parametrize(("scheme", "first", "again"), ENDLESS)
def test_a_server_that_never_stops_talking_is_cut_short(scheme: str, first: bytes, again: bytes) -> None:
    sent = 0

    async def run() -> Reading:
        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            writer.write(first)
            try:
                while True:
                    writer.write(again)
                    await writer.drain()
                    sent += len(again)
            except OSError:
                pass
            finally:
                writer.transport.abort()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        address = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        service = Service(id=ServiceId("it"), site=SiteId("rada"), name="Воно", address=address, expect="never there")
        pinger = Pinger(clock=SystemClock(), rng=random.Random(1))
        tools = Tools(SystemClock(), random.Random(1), pinger, SecretFolder(Path("/")), ssl.create_default_context())
        target = target_of(service, provider="steplink")
        reading = await read(PROBES[target.address.kind], target, tools, within_s=WITHIN_S)
        pinger.close()
        server.close()
        await asyncio.sleep(0.05)
        return reading

    reading = asyncio.run(run())
    assert reading.outcome is Outcome.FAILS
    assert reading.trouble in (Trouble.NOT_UNDERSTOOD, Trouble.TEXT)
    assert sent < 16 * 1024 * 1024  # ours is at most 256 KiB; the rest is what the kernel's buffers swallow
