"""Between which limits a failure rate lies, given so many failures among so many transactions.

Rule of this file: `clopper_pearson` never promises more than it holds and is what the prober says; `wilson` is nearly
right on the average at small counts, and is what decides.
"""

from math import exp, lgamma, log, log1p, sqrt
from statistics import NormalDist

CERTAIN = 0.95
_TINY = 1e-300
_NEARLY_ONE = 3e-16
"""A factor this near to one changes no digit of a float."""
_LONGEST = 100_000
"""Terms of a continued fraction; some tens are needed for hundreds of transactions, some thousands for ten million."""


def clopper_pearson(failures: int, count: int, confidence: float = CERTAIN) -> tuple[float, float]:
    """Return the exact limits of a failure rate: the truth lies between them in at least `confidence` of all cases.

    Without any transaction everything is possible. Raises `ValueError` when there are more failures than transactions.
    Source: Clopper and Pearson (1934).
    """
    _check(failures, count)
    tail = (1.0 - confidence) / 2.0
    lower = beta_quantile(tail, failures, count - failures + 1) if failures else 0.0
    upper = 1.0 - beta_quantile(tail, count - failures, failures + 1) if failures < count else 1.0
    return lower, upper


def wilson(failures: int, count: int, confidence: float = CERTAIN) -> tuple[float, float]:
    """Return the score limits of a failure rate, in which the truth lies in about `confidence` of all cases.

    Without any transaction everything is possible. Raises `ValueError` when there are more failures than transactions.
    Source: Wilson (1927).
    """
    _check(failures, count)
    if not count:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    successes = count - failures
    middle = failures + z * z / 2.0
    reach = z * sqrt(failures * successes / count + z * z / 4.0)
    lower, upper = (middle - reach) / (count + z * z), (middle + reach) / (count + z * z)
    return (lower if failures else 0.0), (upper if successes else 1.0)


def _check(failures: int, count: int) -> None:
    if not 0 <= failures <= count:
        raise ValueError(f"{failures} failures among {count} transactions")


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Return x with I_x(a, b) = `probability`: Newton's steps, and halving wherever one would leave the bracket."""
    front = _log_beta(a, b)
    low, high = 0.0, 1.0
    x = a / (a + b)
    for _ in range(200):
        above = regularised_beta(x, a, b) - probability
        low, high = (low, x) if above > 0.0 else (x, high)
        density = exp((a - 1.0) * log(x) + (b - 1.0) * log1p(-x) - front)
        following = x - above / density if density > 0.0 else -1.0
        if not low < following < high:
            following = (low + high) / 2.0
        if abs(following - x) <= 1e-15 * x or following in (low, high):
            break
        x = following
    return x


def regularised_beta(x: float, a: float, b: float) -> float:
    """Return I_x(a, b), the chance that a Beta(a, b) variable is at most `x`; 0 < x < 1 and a, b > 0.

    Source: DLMF 8.17.22, by Lentz's method; on the far side of the mean by 8.17.4, where the fraction converges fast.
    """
    power = exp(a * log(x) + b * log1p(-x) - _log_beta(a, b))
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - power / b * _fraction(1.0 - x, b, a)
    return power / a * _fraction(x, a, b)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _fraction(x: float, a: float, b: float) -> float:
    numerator, denominator = 1.0, 1.0 / _off_zero(1.0 - (a + b) * x / (a + 1.0))
    value = denominator
    for m in range(1, _LONGEST):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            denominator = 1.0 / _off_zero(1.0 + term * denominator)
            numerator = _off_zero(1.0 + term / numerator)
            step = numerator * denominator
            value *= step
        if abs(step - 1.0) < _NEARLY_ONE:
            return value
    return value


def _off_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
