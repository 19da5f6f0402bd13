"""The incidents that come with the tenant: what has happened to such a service, and what only looks as if it had."""

from importlib.resources import files

from prober.simulator.faults.read import Incident, read_scenarios

PACKAGE, FILE = "prober.simulator", "incidents.yaml"


def incidents() -> tuple[Incident, ...]:
    """Return the incidents and, after them, the decoys, in the order of the file."""
    return read_scenarios(files(PACKAGE).joinpath(FILE).read_text(encoding="utf-8"), FILE)
