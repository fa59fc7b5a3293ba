import asyncio
from collections.abc import Sequence

from agents.network import module_files
from agents.network.detection import NOBODYS, Kinship, detect, fingerprint
from agents.network.metrics import METRICS
from agents.network.snmp.oid import parse_oid
from agents.network.snmp.port import Scalars, Target, Walk
from beket.kernel.errors import TimedOut
from beket.kernel.metrics import Catalogue

MODULES = [module for module in module_files.load_shipped(Catalogue(METRICS)) if not module.detect.always]
UPS = parse_oid("1.3.6.1.2.1.33.1.2.1.0")
MEGATEC = parse_oid("1.3.6.1.4.1.935.1.1.1.2.1.1.0")
SENSOR = parse_oid("1.3.6.1.2.1.99.1.1.1.4")


class Gear:
    """Has what it is given, and keeps silent from its `silent_from`th question on."""

    def __init__(self, *names: bytes, says_yes: bool = False, silent_from: int = 1000) -> None:
        self.names = set(names)
        self.says_yes = says_yes
        self.silent_from = silent_from
        self.questions: list[Sequence[bytes]] = []

    async def get(self, target: Target, names: Sequence[bytes]) -> Scalars:
        self.questions.append(names)
        if len(self.questions) >= self.silent_from:
            raise TimedOut("silence")
        return Scalars({name: 1 for name in names if self.says_yes or name in self.names})

    async def walk(self, target: Target, columns: Sequence[bytes]) -> Walk:
        self.questions.append(columns)
        return Walk([{b"\x01": 1} if column in self.names else {} for column in columns])


def known(gear: Gear, model: str = "1.3.6.1.4.1.8072.3.2.10") -> Kinship:
    return asyncio.run(detect(gear, Target("sw"), MODULES, parse_oid(model)))


def test_a_device_is_known_by_its_model() -> None:
    assert known(Gear(), "1.3.6.1.4.1.9.1.617").modules == ("cisco",)
    assert known(Gear(), "1.3.6.1.4.1.41112.1.4").modules == ("ubiquiti-airos",)


def test_a_model_is_a_whole_number_not_its_first_digits() -> None:
    # Enterprise 14988 is MikroTik's, 149 and 1498 are others', and so is 14988 under another number.
    for model in ("1.3.6.1.4.1.149", "1.3.6.1.4.1.1498.8.1", "1.3.6.1.4.1.14988", "1.3.6.1.4.1.149881.1"):
        assert known(Gear(), model).modules == ()


def test_a_device_with_a_general_model_is_known_by_what_it_has() -> None:
    assert known(Gear(UPS)).modules == ("ups-mib",)
    assert known(Gear(UPS, SENSOR)).modules == ("entity-sensor", "ups-mib")


def test_the_familys_own_module_stands_instead_of_the_general_one() -> None:
    assert known(Gear(UPS, MEGATEC)).modules == ("megatec",)


def test_who_says_yes_to_everything_is_believed_by_model_only() -> None:
    assert known(Gear(says_yes=True), "1.3.6.1.4.1.9.1.617").modules == ("cisco",)
    assert known(Gear(NOBODYS, UPS)).modules == ()


def test_silence_makes_it_unsure_and_keeps_what_is_known() -> None:
    kinship = known(Gear(silent_from=2), "1.3.6.1.4.1.9.1.617")
    assert kinship == Kinship(("cisco",), is_sure=False)
    assert isinstance(kinship.error, TimedOut)
    assert known(Gear()).is_sure


def test_a_handful_of_small_questions_is_all_it_takes() -> None:
    gear = Gear()
    known(gear)
    assert len(gear.questions) <= 5
    assert all(len(names) <= 16 for names in gear.questions)


def test_the_fingerprint_changes_with_the_rules() -> None:
    assert fingerprint(MODULES) == fingerprint(list(MODULES)) != fingerprint(MODULES[1:])
