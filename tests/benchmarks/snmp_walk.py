"""`snmp_walk`: CPU of a walk of 8 columns × 1,250 rows from a real Net-SNMP agent, against gufo-snmp (Rust), on uvloop.

Both sides end with the same table, index → typed value for each column, compared with what the agent was told to say.
gufo asks for 60 rows of a column at a time, about as many values in a datagram as ours takes: the most that fits an
Ethernet frame. Ours keeps its bounds and cycle guards. pysnmp walks the same table once for the record.
"""

import hashlib
import importlib.metadata
import json
import platform
import subprocess
import sys

from beket.testing import snmp_table
from beket.testing.process import output_of
from beket.testing.snmpd import Snmpd, snmpd
from tests.benchmarks.result import Measured, Result, compare
from tests.benchmarks.snmp_walk_subject import COMMUNITY

ROWS = 1250
VARBINDS = ROWS * len(snmp_table.COLUMN_TYPES)
WALKS = 5
GUFO_REPETITIONS = 60
PAIRS_MIN = 7
# The bars of DESIGN: level with Rust, twenty times cheaper than pysnmp.
RATIO_MAX = 1.0
PYSNMP_TIMES_MIN = 20


def run(*, pairs: int) -> Result:
    """Measure both sides at least 7 times."""
    pairs = max(pairs, PAIRS_MIN)
    with snmpd(community=COMMUNITY, extra_config=snmp_table.config(ROWS)) as agent:
        ratio, ours, control, spread, checks = compare(
            lambda: measure(agent, "ours"), lambda: measure(agent, "gufo", GUFO_REPETITIONS), pairs=pairs
        )
        pysnmp = measure(agent, "pysnmp", 25, walks=1)
    checks |= pysnmp.checks | {
        f"at most {RATIO_MAX} of gufo's CPU": ratio <= RATIO_MAX,
        f"pysnmp needs at least {PYSNMP_TIMES_MIN} times ours": pysnmp.figure >= PYSNMP_TIMES_MIN * ours,
    }
    return Result(
        name="snmp_walk",
        ratio=ratio,
        ours=ours,
        control=control,
        unit="µs of CPU per varbind",
        n=pairs,
        spread=spread,
        checks=checks,
        control_cmd=f"gufo.snmp.aio.SnmpSession.getbulk, max_repetitions={GUFO_REPETITIONS}, column by column",
        versions=versions() | {"pysnmp µs per varbind": f"{pysnmp.figure:.1f}"},
    )


def measure(agent: Snmpd, client: str, repetitions: int = 0, *, walks: int = WALKS) -> Measured:
    """One process of one client."""
    command = ["tests.benchmarks.snmp_walk_subject", client, agent.host, str(agent.port), str(walks), str(repetitions)]
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    return Measured(
        1e6 * report["cpu_s"] / VARBINDS,
        {
            f"{client}: every row of every column came": report["rows"] == [ROWS] * len(snmp_table.COLUMN_TYPES),
            f"{client}: every value is right": report["values"] == _right_values(),
        },
    )


def versions() -> dict[str, str]:
    """What took part."""
    names = ("gufo-snmp", "pysnmp", "uvloop")
    return {
        "python": platform.python_version(),
        "snmpd": output_of("snmpd", "-v").split("version:")[1].split()[0],
        **{name: importlib.metadata.version(name) for name in names},
    }


def _right_values() -> str:
    columns = range(len(snmp_table.COLUMN_TYPES))
    table = [[snmp_table.expected(column, row) for row in range(1, ROWS + 1)] for column in columns]
    return hashlib.sha256(repr(table).encode()).hexdigest()
