"""Whose lock is dead: one that names this machine and a process that is gone; whatever else it says."""

import json
import subprocess

from hypothesis import given
from hypothesis import strategies as st

from backup.repository.dead_locks import is_dead


@given(st.binary(max_size=200) | st.from_type(dict[str, int | str]).map(lambda value: json.dumps(value).encode()))
def test_only_a_lock_that_names_this_machine_and_a_gone_process_is_dead(document: bytes) -> None:
    assert not is_dead(document, machine="another machine that no document names")


def test_a_lock_of_this_machine_is_dead_once_its_process_is_gone() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        lock = json.dumps({"time": "1970-01-01T00:00:00Z", "exclusive": True, "hostname": "m", "pid": process.pid})
        assert not is_dead(lock.encode(), machine="m")
        process.kill()
    assert is_dead(lock.encode(), machine="m")
    assert not is_dead(lock.encode(), machine="n")
