"""Owns a real name server (dnsmasq) on a free port of loopback, that knows just the names a test gives it."""

import contextlib
from collections.abc import Iterator, Sequence

from beket.testing.process import free_tcp_port, port_answers, running
from beket.testing.programs import find


@contextlib.contextmanager
def name_server(*options: str, hosts: Sequence[tuple[str, str]] = ()) -> Iterator[int]:
    """Run `dnsmasq` until the block ends and give its port; `hosts` are (name, address), `options` its own.

    Raises:
        ProgramFailed: it did not start.
    """
    port = free_tcp_port()
    records = [f"--host-record={name},{address}" for name, address in hosts]
    argv = [
        str(find("dnsmasq") or "dnsmasq"),
        *("--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--no-daemon", "--user="),
        *("--listen-address=127.0.0.1", "--bind-interfaces", f"--port={port}", "--pid-file", "--local=/test/"),
        *records,
        *options,
    ]
    with running(argv, ready=port_answers(port)):
        yield port
