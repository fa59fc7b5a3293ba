import pytest

from beket.testing.process import ProgramFailed, output_of
from beket.testing.snmpd import snmpd

SYS_NAME = ".1.3.6.1.2.1.1.5.0"


@pytest.mark.needs("snmpd", "snmpget")
def test_snmpd_answers_its_community_and_nobody_else() -> None:
    with snmpd(community="selo", sys_name="switch-school") as agent:
        answer = output_of("snmpget", "-v2c", "-c", "selo", "-Oqvn", agent.address, SYS_NAME)
        assert answer.strip() == '"switch-school"'
        with pytest.raises(ProgramFailed, match="No Response"):
            output_of("snmpget", "-v2c", "-c", "public", "-r0", "-t0.3", agent.address, SYS_NAME)
