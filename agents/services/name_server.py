"""Owns the probe of a name server: this very server knows the name, and says what it should."""

from agents.services.connection import connected
from agents.services.datagrams import ask
from agents.services.dns_message import DnsAnswer, answers, encode_query, parse_answer
from agents.services.probe import Found, Target, Tools
from agents.services.trouble import Failed, Trouble
from beket.kernel.text import say

NO_SUCH_NAME, REFUSED = 3, 5
SHOWN = 5


async def probe_name_server(target: Target, tools: Tools) -> Found:
    """Ask over UDP, and over TCP when the answer does not fit; see `probe.Probe`."""
    kind = target.address.query.get("type", "A").upper()
    query = encode_query(tools.rng.getrandbits(16), target.address.name, kind)
    data = await ask(target.host, target.port, lambda: query, lambda got: answers(got, query), clock=tools.clock)
    answer = parse_answer(data, kind)
    if answer.is_cut:
        answer = parse_answer(await _over_tcp(target, query), kind)
    return _judged(answer, target)


async def _over_tcp(target: Target, query: bytes) -> bytes:
    async with connected(target.host, target.port) as connection:
        await connection.send(len(query).to_bytes(2, "big") + query)
        length = int.from_bytes(await connection.reader.readexactly(2), "big")
        return await connection.reader.readexactly(length)


def _judged(answer: DnsAnswer, target: Target) -> Found:
    name, expected = target.address.name, target.service.expect
    if answer.code == NO_SUCH_NAME or (answer.code == 0 and not answer.values):
        raise Failed(
            Trouble.ABSENT,
            say("Сервер імен не знає «{name}».", "The name server does not know “{name}”.", name=name),
        )
    if answer.code:
        why = say("відмовляється відповідати", "refuses") if answer.code == REFUSED else say("не впорався", "failed")
        raise Failed(
            Trouble.STATUS,
            say("Сервер імен {why} ({code}).", "The name server {why} ({code}).", why=why, code=answer.code),
        )
    shown = ", ".join(answer.values[:SHOWN])
    if expected and expected.lower().rstrip(".") not in {value.lower().rstrip(".") for value in answer.values}:
        text = say(
            "Для «{name}» сервер імен каже «{shown}», а має бути «{expected}».",
            "For “{name}” the name server says “{shown}”, it should be “{expected}”.",
            name=name,
            shown=shown,
            expected=expected,
        )
        raise Failed(Trouble.TEXT, text)
    return Found(say("Сервер імен відповідає: {shown}.", "The name server answers: {shown}.", shown=shown))
