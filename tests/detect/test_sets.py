"""Sets as bits, and how likely each is to fail before anything was seen."""

import pytest

from prober.detect.sets import CLIENTS, LOCATIONS, Prior, Usual, indices, union


@pytest.mark.parametrize("usual", [CLIENTS, LOCATIONS])
@pytest.mark.parametrize("count", range(1, 11))
@pytest.mark.parametrize("families", [(), (0b11,), (0b11, 0b111, 0b1010)])
def test_the_probabilities_of_all_sets_add_up_to_one(usual: Usual, count: int, families: tuple[int, ...]) -> None:
    """Whether or not there are sets of every kind; a family of strangers would not fit into few."""
    known = [one for one in families if one < 1 << count]
    prior = Prior(usual, count, known)
    total = sum(prior.probability(members) for members in range(1, 1 << count))
    assert total == pytest.approx(1.0)


def test_one_client_all_and_a_pair_are_as_likely_as_they_are_known_to_be() -> None:
    """Of five clients, two of which share a component."""
    prior = Prior(CLIENTS, 5, [0b00011])
    assert prior.probability(0b00100) == pytest.approx(0.45 / 5)
    assert prior.probability(0b11111) == pytest.approx(0.23)
    assert prior.probability(0b00110) == pytest.approx(0.20 / 10)
    assert prior.probability(0b00011) == pytest.approx(0.20 / 10 + 0.10)


def test_all_three_locations_are_likelier_than_one_and_one_than_two() -> None:
    """Most troubles of a service are seen from everywhere."""
    prior = Prior(LOCATIONS, 3)
    assert prior.probability(0b111) == pytest.approx(0.76)
    assert prior.probability(0b010) == pytest.approx(0.20 / 3)
    assert prior.probability(0b011) == pytest.approx(0.04 / 3)


def test_a_family_may_be_larger_than_a_pair() -> None:
    """And one that is everybody, or nobody else, adds nothing."""
    plain, family = Prior(CLIENTS, 6), Prior(CLIENTS, 6, [0b000111, 0b111111, 0b1])
    assert family.probability(0b000111) > 100 * plain.probability(0b000111)
    assert family.probability(0b1) < plain.probability(0b1)
    assert family.usual(pairs=False) == [1, 2, 4, 8, 16, 32, 0b000111, 0b111111]


def test_the_usual_sets_are_named_once_each() -> None:
    """Also where a pair is a family, or everybody."""
    assert Prior(CLIENTS, 2, [0b11]).usual(pairs=True) == [0b01, 0b10, 0b11]
    assert Prior(CLIENTS, 1).usual(pairs=True) == [0b1]
    assert Prior(CLIENTS, 3, [0b101]).usual(pairs=True) == [1, 2, 4, 0b011, 0b101, 0b110, 0b111]


def test_a_set_is_the_bits_of_its_members() -> None:
    """There and back."""
    assert list(indices(0b10110)) == [1, 2, 4]
    assert union(1 << index for index in (1, 2, 4)) == 0b10110
    assert list(indices(0)) == []
