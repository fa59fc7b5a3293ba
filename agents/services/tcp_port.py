"""Owns the probe of a port: it accepts a connection, and says what it should when something is expected of it."""

from agents.services.connection import connected
from agents.services.probe import Found, Target, Tools
from agents.services.trouble import Failed, Trouble
from beket.kernel.text import say

GREETING_MAX_BYTES = 4096


async def probe_port(target: Target, _tools: Tools) -> Found:
    """Connect, and read the greeting if `expect` says what it holds; see `probe.Probe`."""
    expected = target.service.expect
    async with connected(target.host, target.port) as connection:
        if not expected:
            return Found(say("Порт приймає з'єднання.", "The port accepts connections."))
        greeting = await connection.read_until(expected.encode(), GREETING_MAX_BYTES)
        if expected.encode() not in greeting:
            raise Failed(
                Trouble.TEXT,
                say(
                    "Порт відповів, але в привітанні немає «{text}».",
                    "The port answered, but its greeting lacks “{text}”.",
                    text=expected,
                ),
            )
    return Found(say("Порт приймає з'єднання і вітається як слід.", "The port accepts and greets as it should."))
