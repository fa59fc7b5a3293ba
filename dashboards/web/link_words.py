"""Owns how a link reads: who says so and how surely, in one sentence, and every doubt with what may be behind it."""

from collections.abc import Callable, Mapping

from beket.kernel.text import Text, say
from collector.topology.links import Doubt, Link, Party, Protocol, device

DOUBT_WORDS: Mapping[Doubt, Text] = {
    Doubt.PORTS_DIFFER: say(
        "Сторони називають різні порти: можливо, кабель щойно переставили.",
        "The two sides name different ports: perhaps the cable was just moved.",
    ),
    Doubt.NOT_NAMED_BACK: say(
        "Другий пристрій бачить інших сусідів, а цього не називає.",
        "The other device hears others, but does not name this one.",
    ),
    Doubt.SEVERAL_ON_PORT: say(
        "На цьому порту кілька сусідів: між ними може стояти простий комутатор.",
        "There are several neighbours on this port: a simple switch may stand between.",
    ),
    Doubt.SEVERAL_PLACES: say(
        "Ту саму адресу видно в кількох місцях: можливо, пристрій переставили або дві однакові адреси.",
        "The same address is seen in several places: perhaps it was moved, or two have one address.",
    ),
    Doubt.SEEN_ELSEWHERE: say(
        "Адресу цього сусіда видно за іншим портом: можливо, мережа має кільце.",
        "This neighbour's address is behind another port: perhaps the network has a ring.",
    ),
    Doubt.NAMES_DISAGREE: say(
        "Його апаратна й мережева адреси — різних пристроїв зі списку. Перевірте адреси в списку.",
        "Its hardware and network addresses belong to different devices of the list. Check the addresses in the list.",
    ),
    Doubt.AMBIGUOUS: say(
        "Те, як він себе називає, підходить кільком пристроям зі списку.",
        "What it calls itself fits several devices of the list.",
    ),
    Doubt.LOOP: say(
        "Кабель повертається в цей самий пристрій: так мережа може зупинитися.",
        "The cable leads back to the same device: that can bring the network down.",
    ),
}
_PROTOCOLS = {Protocol.LLDP: "LLDP", Protocol.CDP: "CDP"}


def evidence_sentence(link: Link, name_of: Callable[[Party], Text]) -> Text:
    """Who says that there is this link. What a bridge sees is told as what it is: an address behind a port."""
    tellers = sorted({one.teller for one in link.strongest})
    if not link.is_heard:
        return _seen_sentence(link, name_of)
    protocols = ", ".join(sorted({_PROTOCOLS[one.protocol] for one in link.strongest}))
    if link.is_mutual and len(tellers) > 1:
        return say("Обидва пристрої кажуть про це ({p}).", "Both devices say so ({p}).", p=protocols)
    teller = name_of(device(tellers[0]))
    return say(
        "Про це каже лише {who} ({p}).",
        "Only {who} says so ({p}).",
        who=teller,
        p=protocols,
    )


def _seen_sentence(link: Link, name_of: Callable[[Party], Text]) -> Text:
    if link.is_mutual:
        return say(
            "Обидва пристрої бачать адреси одне одного за цими портами.",
            "Both devices see each other's address behind these ports.",
        )
    (one, *_) = link.evidence
    near = link.near_end(device(one.teller))
    if one.others:
        return say(
            "Лише {who} бачить цю адресу на порту {port}, і не лише її: між ними може стояти простий комутатор.",
            "Only {who} sees this address on port {port}, and not it alone: a simple switch may stand between.",
            who=name_of(near.party),
            port=near.port,
        )
    return say(
        "Лише {who} бачить цю адресу на порту {port}.",
        "Only {who} sees this address on port {port}.",
        who=name_of(near.party),
        port=near.port,
    )
