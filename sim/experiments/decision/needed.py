"""How many paths would show an improvement as large as the one that was seen."""

from __future__ import annotations

import math

from scipy import special

from sim.experiments.decision.results import Result, Rule

MOST_PATHS = 10_000_000
"""More than anybody runs: no number is named above it."""


def paths_needed(result: Result, rule: Rule, candidates: int) -> int | None:
    """Return how many paths would show the improvement of a result with the rule's power.

    From the spread of the paired differences that were seen. With b the improvement, s the deviation of what
    is independent (a path, or a book's mean), z the normal quantiles of Holm's strictest level alpha / m and
    of the power, and R the largest difference of one path, the least n with

        b >= (z_alpha + z_power) s / sqrt(n) + R ln(m / alpha) / n.

    The first term is the sample size of a paired comparison of means. The second is what the bound for losses
    that nobody has seen yet asks beyond it: its unseen value weighs about an exponential over n (Gaffke).

    Parameters
    ----------
    candidates
        Endpoints that may show an improvement: Holm's m.

    Returns
    -------
    int or None
        None without an improvement, without spread, where the endpoint cannot be used, above `MOST_PATHS`.
    """
    independent = result.n if result.books is None else result.books
    benefit = -result.endpoint.direction * result.difference
    if result.unusable or not benefit > 0.0 or not 0.0 < result.error < math.inf or independent < 2:
        return None
    level = rule.alpha / candidates
    quantiles = -float(special.ndtri(level)) + float(special.ndtri(rule.power))
    spread = quantiles * result.error * math.sqrt(independent)
    unseen = result.endpoint.reach * math.log(1.0 / level)
    root = (spread + math.sqrt(spread * spread + 4.0 * benefit * unseen)) / (2.0 * benefit)
    paths = root * root * result.n / independent
    return math.ceil(paths) if paths <= MOST_PATHS else None
