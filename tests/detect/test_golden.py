"""Evidence to nine figures, as computed by another program for the same transactions."""

import pytest

from prober.detect.blips import CERTAINTY, RHO, TAU, Blips
from prober.detect.mixture import Evidence, ratios

A = "." * 100 + "x" + "." * 5 + "x" + "." * 20 + "x"
"""`.` is a success, `x` a failure; one every 30 seconds."""
B = "x" * 8
AFTER_A = (100, 101, 106, 107, 127, 128)
AFTER_B = (1, 2, 3, 4, 6, 8)


def days(results: str, blips: Blips, healthy: float) -> list[float]:
    """Return the evidence after each transaction."""
    evidence, found = Evidence(30.0, healthy), []
    for index, one in enumerate(results):
        at, failed = 1_800_000_000.0 + 30.0 * index, one == "x"
        blip = blips.probability(at)
        expected, ratio = ratios(blip, blips.certainty, healthy, failed=failed)
        blips.saw(at, blip, expected, failed=failed)
        evidence.update(at, ratio, failed=failed)
        found.append(evidence.days(healthy))
    return found


@pytest.mark.parametrize(
    ("results", "blips", "healthy", "after", "expected"),
    [
        (
            A,
            Blips(rho=0.0),
            0.001,
            AFTER_A,
            [0.00495906864, 0.352181291, 0.160459656, 12.7092985, 2.08337955, 110.115359],
        ),
        (
            A,
            Blips(TAU, RHO, CERTAINTY),
            0.0006,
            AFTER_A,
            [0.00488577816, 0.483686458, 0.218924878, 23.9777157, 3.89619083, 284.858363],
        ),
        (
            B,
            Blips(TAU, RHO, CERTAINTY),
            0.0006,
            AFTER_B,
            [0.411160679, 1.04794341, 1.53736954, 2.37662737, 6.49241202, 20.0014724],
        ),
    ],
    ids=["few failures, no blips", "few failures", "nothing but failures"],
)
def test_the_evidence_is_what_was_computed_elsewhere(
    results: str, blips: Blips, healthy: float, after: tuple[int, ...], expected: list[float]
) -> None:
    """All nine figures that were written down."""
    found = days(results, blips, healthy)
    assert [found[count - 1] for count in after] == pytest.approx(expected, rel=5e-9)
