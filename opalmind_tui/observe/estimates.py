"""95 % intervals from a simple random sample. Pure.

RANDOMKEY is not quite uniform: keys in crowded or lonely buckets of the server's table come up a little less or more
often. In which bucket a key lies is settled by a keyed hash of its name and has nothing to do with what the key is, so
shares of kinds stay unbiased; what the uneven chances add to the error is divided by the number of keys, not of draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from opalmind_tui.snapshot.census import Estimate

Z95 = 1.959964
"""Normal quantile of a two-sided 95 % interval."""
Z975 = 2.241403
"""The same of 97.5 %: two such intervals hold together in 95 % of cases, whatever they have to do with each other."""
Z97 = 2.170090
"""The same of 97 %: what is promised in 95 cases of 100 is to be seen in nearly every hundred, not on average alone."""
FEWEST = 30
"""Sizes below which nothing is said of how large the others may be."""


def share(hits: int, draws: int, z: float = Z95) -> tuple[float, float]:
    """Bounds of a share: Wilson's interval with continuity correction, which errs on the wide side.

    Source: Newcombe, Statistics in Medicine 17 (1998), method 4.
    """
    if draws == 0:
        return 0.0, 1.0
    p, square = hits / draws, z * z
    below = z * math.sqrt(max(0.0, square - 2 - 1 / draws + 4 * p * (draws * (1 - p) + 1))) + 1
    above = z * math.sqrt(max(0.0, square + 2 - 1 / draws + 4 * p * (draws * (1 - p) - 1))) + 1
    middle, width = 2 * draws * p + square, 2 * (draws + square)
    low = 0.0 if hits == 0 else max(0.0, (middle - below) / width)
    high = 1.0 if hits == draws else min(1.0, (middle + above) / width)
    return low, high


def mean(values: Sequence[float], z: float) -> tuple[float, float, float]:
    """Mean and bounds of it: Student's interval, bent by the skew of the values (sizes have a long tail upwards).

    Source: Hall, Journal of the Royal Statistical Society B 54 (1992), the monotone transformation.
    """
    count = len(values)
    if count == 0:
        return 0.0, 0.0, math.inf
    middle = sum(values) / count
    if count < FEWEST:
        return middle, 0.0, math.inf
    spread = math.sqrt(sum((value - middle) ** 2 for value in values) / count)
    if spread == 0:
        return middle, middle, middle
    skew = sum((value - middle) ** 3 for value in values) / count / spread**3
    t = _student(z, count - 1) / math.sqrt(count)
    low = middle - spread * _bent(t, skew, count)
    high = middle - spread * _bent(-t, skew, count)
    return middle, max(0.0, min(values), low), max(high, middle)


def _student(z: float, freedom: int) -> float:
    """A quantile of Student's distribution from the normal one (Cornish and Fisher's expansion)."""
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def _bent(x: float, skew: float, count: int) -> float:
    if abs(skew) < 1e-6:
        return x
    return 3 / skew * (math.cbrt(1 + skew * (x - skew / (6 * count))) - 1)


def keys(hits: int, draws: int, total: int) -> Estimate:
    """How many of `total` keys are of a kind that came up in `hits` of `draws`."""
    if total <= 0 or draws == 0:
        return Estimate(0.0, 0.0, float(max(0, total)))
    low, high = share(hits, draws, Z97)
    return Estimate(float(round(total * hits / draws)), float(math.floor(total * low)), float(math.ceil(total * high)))


def memory(sizes: Sequence[float], number: Estimate, hits: int, draws: int, total: int) -> Estimate:
    """Bytes of all keys of a kind, from the sizes of those that came up.

    Args:
        number: how many there are of it.
        hits, draws, total: as in `keys`, where `number` is estimated.
    """
    if number.exact:
        middle, low, high = mean(sizes, Z95)
        return Estimate(middle * number.value, low * number.value, high * number.value if number.value else 0.0)
    middle, low, high = mean(sizes, Z975)
    fewest, most = share(hits, draws, Z975)
    return Estimate(middle * number.value, low * fewest * total, high * most * total)


def together(first: Estimate, known: float) -> Estimate:
    """An estimate and what is known exactly beside it."""
    return Estimate(first.value + known, first.low + known, first.high + known)
