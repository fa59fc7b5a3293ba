import subprocess
import sys
from pathlib import Path

import msgspec

from agents.spool.messages import Series
from agents.spool.spool import Spool
from beket.kernel.ids import SiteId
from beket.kernel.metrics import Instruments

PROGRAM = """
import sys
from pathlib import Path
from agents.spool.spool import Spool
from beket.kernel.metrics import Instruments, Point
told = Instruments(unit="polling")
spool = Spool(Path(sys.argv[1]), site="school", cap_bytes=10**9, instruments=told, segment_bytes=2000)
value = float(sys.argv[2])
while True:
    spool.put([Point("device_up_ratio", (("site", "school"), ("device", "d")), 0, value)])
    print(int(value), flush=True)
    value += 1
"""


def test_every_point_that_was_put_is_there_after_a_kill(tmp_path: Path) -> None:
    promised = -1
    for lines in (1, 7, 40, 90):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), str(promised + 1)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        for _ in range(lines):
            promised = int(process.stdout.readline())
        process.kill()
        # Lines that were on their way when it died were promises too.
        promised = max([promised, *(int(line) for line in process.stdout.read().split("\n")[:-1])])
        process.stdout.close()
        process.wait()

        spool = Spool(tmp_path, site=SiteId("school"), cap_bytes=10**9, instruments=Instruments(unit="polling"))
        batches = spool.take(10**9)
        values = [msgspec.json.decode(batch.series, type=list[Series])[0].samples[0][1] for batch in batches]
        assert values[: promised + 1] == [*range(promised + 1)]
        assert len(values) <= promised + 2  # at most the one whose promise was not printed yet
        promised = len(values) - 1
