"""`python -m tests.benchmarks [NAME]`: one benchmark, or all; one JSON line each on standard output, nothing else."""

import argparse
import importlib
import sys

NAMES = (
    "capture",
    "capture_h265",
    "capture_rss",
    "list_day",
    "vms_check",
    "samples_store",
    "snmp_walk",
    "snmp_walk_v3",
    "agent_poll",
    "restic_overhead",
    "restic_thin_link",
    "hash_walk",
    "status_500",
)


def main() -> int:
    """Run what was named; 1 when a check failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("name", nargs="?", choices=NAMES)
    parser.add_argument("--pairs", type=int, default=5, help="measured pairs (default 5)")
    parsed = parser.parse_args()
    exit_code = 0
    for name in (parsed.name,) if parsed.name else NAMES:
        result = importlib.import_module(f"tests.benchmarks.{name}").run(pairs=parsed.pairs)
        print(result.line(), flush=True)
        exit_code |= not result.holds
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
