"""`snmp_walk_v3`: what SHA-256 and AES-128 cost: our v3 walk against our v2c walk of the same agent.

8 columns × 1,250 rows from a real Net-SNMP agent, column by column at 25 repetitions: few values a message, so that the
cost of each message weighs most. Both sides end with the same table, compared with what the agent was told to say.
"""

from beket.testing import snmp_table
from beket.testing.snmpd import snmpd, v3_user
from tests.benchmarks.result import Result, compare
from tests.benchmarks.snmp_walk import PAIRS_MIN, ROWS, measure, versions
from tests.benchmarks.snmp_walk_subject import AUTH_PASSWORD, COMMUNITY, PRIV_PASSWORD, USER

REPETITIONS = 25
RATIO_MAX = 1.6


def run(*, pairs: int) -> Result:
    """Measure both sides at least 7 times."""
    pairs = max(pairs, PAIRS_MIN)
    config = snmp_table.config(ROWS) + "\n" + v3_user(USER, "SHA-256", AUTH_PASSWORD, "AES", PRIV_PASSWORD)
    with snmpd(community=COMMUNITY, extra_config=config) as agent:
        ratio, ours, control, spread, checks = compare(
            lambda: measure(agent, "ours v3", REPETITIONS),
            lambda: measure(agent, "ours by column", REPETITIONS),
            pairs=pairs,
        )
    return Result(
        name="snmp_walk_v3",
        ratio=ratio,
        ours=ours,
        control=control,
        unit="µs of CPU per varbind",
        n=pairs,
        spread=spread,
        checks=checks | {f"at most {RATIO_MAX} of our v2c": ratio <= RATIO_MAX},
        control_cmd=f"our v2c walk, column by column at {REPETITIONS} repetitions",
        versions=versions(),
    )
