"""Until when a domain is paid, by local servers that speak as registries do."""

import contextlib
import datetime
import json
import socketserver
import threading
from collections.abc import Iterator

import pytest

from agents.services import metrics
from agents.services.probe import Outcome
from agents.services.trouble import Trouble
from beket.testing.certificates import authority
from beket.testing.web_server import Page, web_server
from tests.service_readings import ask, fails, value, works

DAY_S = 86_400


@contextlib.contextmanager
def whois_server(answers: dict[str, bytes]) -> Iterator[int]:
    """RFC 3912: a line comes, text goes, the end."""

    class Registry(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            asked = self.rfile.readline(300).decode().strip()
            with contextlib.suppress(OSError):
                self.wfile.write(answers.get(asked, b"% No entries found\n"))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def ua(days: float) -> bytes:
    """As whois.ua answers."""
    ends_at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    lines = [
        "% This is the Ukrainian Whois query server.",
        "",
        "domain:           rada.test",
        "created:          2003-05-01",
    ]
    return "\n".join([*lines, f"expires:          {ends_at:%Y-%m-%d %H:%M:%S}+02", "source: UAEPP", ""]).encode()


def test_a_whois_server_says_until_when_a_domain_is_paid() -> None:
    answers = {
        "rada.test": ua(200.5),
        "soon.test": ua(20.5),
        "late.test": ua(-3.5),
        "odd.test": b"hello\n",
        "endless.test": b"expires: \n" * 1_000_000,
    }
    with whois_server(answers) as port:
        at = f"whois://127.0.0.1:{port}/"
        good = ask(at + "rada.test")
        assert works(good)
        assert good.text.uk == "Домен rada.test оплачено, ще 200 днів."
        assert 199 * DAY_S < value(good, metrics.PROBE_DOMAIN_LEFT) < 202 * DAY_S
        soon = ask(at + "soon.test")
        assert (soon.outcome, soon.trouble) == (Outcome.ATTENTION, Trouble.DOMAIN_ENDS)
        late = ask(at + "late.test")
        assert fails(late, Trouble.DOMAIN_ENDED)
        assert value(late, metrics.PROBE_DOMAIN_LEFT) < 0
        assert "минув 3 дні тому" in late.text.uk
        assert fails(ask(at + "nobodys.test"), Trouble.ABSENT)
        assert fails(ask(at + "odd.test"), Trouble.NOT_UNDERSTOOD)
        assert fails(ask(at + "endless.test"), Trouble.NOT_UNDERSTOOD)


@pytest.mark.parametrize("days", [100.5, 5.5])
def test_a_registry_says_it_over_rdap(days: float) -> None:
    ends_at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    events = [
        {"eventAction": "registration", "eventDate": "2003-05-01T00:00:00Z"},
        {"eventAction": "expiration", "eventDate": ends_at.isoformat()},
    ]
    pages = {
        "/v1/domain/rada.test": Page(json.dumps({"objectClassName": "domain", "events": events}).encode()),
        "/v1/domain/odd.test": Page(b"[1,"),
        "/v1/domain/moved.test": Page(status=302, headers={"Location": "https://elsewhere.test/"}),
    }
    with authority() as ours, web_server(pages, tls=ours.server()) as server:
        at = f"rdap://localhost:{server.port}/v1/domain/"
        reading = ask(at + "rada.test", tls=ours.trust())
        assert reading.trouble is (None if days > 30 else Trouble.DOMAIN_ENDS)
        assert abs(value(reading, metrics.PROBE_DOMAIN_LEFT) - days * DAY_S) < 3600
        assert fails(ask(at + "none.test", tls=ours.trust()), Trouble.ABSENT)
        assert fails(ask(at + "odd.test", tls=ours.trust()), Trouble.NOT_UNDERSTOOD)
        assert fails(ask(at + "moved.test", tls=ours.trust()), Trouble.NOT_UNDERSTOOD)
