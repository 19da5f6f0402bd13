"""`python -m benchmarks [NAME]`: every bench, or one."""

import sys

from benchmarks import accuracy, cpu, exposition, leaks, memory, reload, tenant, transactions, workers
from benchmarks.detection import bench as detection

BENCHES = {
    "accuracy": accuracy.main,
    "cpu": cpu.main,
    "detection": detection.main,
    "exposition": exposition.main,
    "leaks": leaks.main,
    "memory": memory.main,
    "reload": reload.main,
    "tenant": tenant.main,
    "transactions": transactions.main,
    "workers": workers.main,
}


def main(arguments: list[str]) -> int:
    """Run what is asked for; 1 when a goal is missed, 2 for an unknown name."""
    unknown = [name for name in arguments if name not in BENCHES]
    if unknown:
        print(f"no bench {unknown[0]!r}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    held = [BENCHES[name]() for name in arguments or BENCHES]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
