"""Memory that frames give back stays with the process; asked of a process of its own, for the wish is for good."""

import subprocess
import sys

PROGRAM = """
import resource
from agents.cameras.memory import keep_freed_memory

def faults_of_one_more_round():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    frames = [bytes(40_000) for _ in range(200)]
    del frames
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults_of_one_more_round()
left_alone = min(faults_of_one_more_round() for _ in range(3))
assert keep_freed_memory()
faults_of_one_more_round()
print(left_alone, min(faults_of_one_more_round() for _ in range(3)))
"""


def test_freed_frames_cost_no_page_faults_any_more() -> None:
    shown = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=30)
    left_alone, kept = map(int, shown.stdout.split())
    assert left_alone > 1000
    assert kept < 20
