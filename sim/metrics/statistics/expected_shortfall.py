"""Expected shortfall: tests of a forecast, sequential evidence against it, tails fitted beyond a threshold.

`tail` is the probability of the tail (2.5 % for ES97.5); value at risk and expected shortfall are losses,
counted positive.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from sim.core.arrays import BoolArray, FloatArray

MAXIMUM_BET = 0.5
"""Assumption: never stakes more than half of the wealth, so that one quiet stretch cannot exhaust it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TailFit:
    """A generalised Pareto distribution fitted to the losses beyond a threshold."""

    threshold: float
    shape: float
    """xi; from 1/2 on the variance, from 1 on the mean of the tail is infinite."""
    scale: float
    exceedances: int
    observations: int

    @property
    def tail_index(self) -> float:
        """1 / xi, the number of finite moments; infinite for a tail without power law (xi <= 0)."""
        return 1.0 / self.shape if self.shape > 0 else math.inf

    @property
    def shape_error(self) -> float:
        """Asymptotic standard error of xi, (1 + xi) / sqrt(exceedances): Smith, Annals of Statistics 15."""
        return (1.0 + self.shape) / math.sqrt(self.exceedances)

    def value_at_risk(self, probability: float) -> float:
        """Return the loss exceeded with probability 1 - `probability`, which must lie in the fitted tail."""
        ratio = (1.0 - probability) * self.observations / self.exceedances
        if not 0.0 < ratio <= 1.0 + 1e-12:
            raise ValueError(f"the fit says nothing about probability {probability}, below its threshold")
        if self.shape == 0.0:
            return self.threshold - self.scale * math.log(ratio)
        return self.threshold + self.scale / self.shape * math.expm1(-self.shape * math.log(ratio))

    def expected_shortfall(self, probability: float) -> float:
        """Return the mean loss beyond value at risk; infinite for xi >= 1.

        (VaR + scale - xi threshold) / (1 - xi): McNeil, Frey, Embrechts, Quantitative Risk Management,
        on threshold exceedances.
        """
        at_risk = self.value_at_risk(probability)
        if self.shape >= 1.0:
            return math.inf
        return (at_risk + self.scale - self.shape * self.threshold) / (1.0 - self.shape)


def empirical_expected_shortfall(losses: FloatArray, probability: float) -> float:
    """Return the mean of the worst (1 - probability) share of losses float64[n], the last one in part.

    Acerbi and Tasche, Journal of Banking and Finance 26 (2002): coherent whether or not
    n (1 - probability) is whole.
    """
    ordered = np.sort(np.asarray(losses, dtype=np.float64))[::-1]
    if not ordered.size or not 0.0 < probability < 1.0:
        raise ValueError("need losses and 0 < probability < 1")
    weight = (1.0 - probability) * ordered.size
    whole = math.floor(weight + 1e-9)  # n (1 - p) is whole more often than floating point says
    total = float(ordered[:whole].sum())
    if whole < ordered.size:
        total += max(weight - whole, 0.0) * float(ordered[whole])
    return total / weight


def acerbi_szekely_z1(profit: FloatArray, value_at_risk: FloatArray, shortfall: FloatArray) -> float | None:
    """Return Z1 = 1 + mean over breaches of profit / ES, or None without a breach.

    Acerbi and Szekely, Back-testing expected shortfall, Risk (2014), first test. Given a right VaR it judges
    ES alone; expected 0, negative if shortfall is underestimated. All arrays float64[T].
    """
    breach = _breaches(profit, value_at_risk, shortfall)
    if not breach.any():
        return None
    return 1.0 + float((profit[breach] / shortfall[breach]).mean())


def acerbi_szekely_z2(
    profit: FloatArray, value_at_risk: FloatArray, shortfall: FloatArray, tail: float
) -> float:
    """Return Z2 = 1 + sum over breaches of profit / (T tail ES), which judges VaR and ES together.

    Acerbi and Szekely (2014), second test; expected 0, negative if risk is underestimated. The 5 % point for
    T = 250 and a tail of 2.5 % is -0.70 for normal and -0.82 for Student t3 tails (quant 3.1): simulate under
    the model's own tail rather than use one number for all. All arrays float64[T].
    """
    _check_tail(tail)
    breach = _breaches(profit, value_at_risk, shortfall)
    return 1.0 + float((profit[breach] / shortfall[breach]).sum()) / (len(profit) * tail)


def e_values(losses: FloatArray, value_at_risk: FloatArray, shortfall: FloatArray, tail: float) -> FloatArray:
    """Return e_t = (loss - VaR)+ / (tail (ES - VaR)), float64[T]: mean up to 1 if VaR is right and ES enough.

    Wang, Wang, Ziegel, E-backtesting. The bound follows from ES = VaR + E(loss - VaR)+ / tail.
    """
    _check_tail(tail)
    gap = np.asarray(shortfall, dtype=np.float64) - value_at_risk
    if np.any(gap <= 0):
        raise ValueError("expected shortfall must exceed value at risk")
    values: FloatArray = np.maximum(losses - value_at_risk, 0.0) / (tail * gap)
    return values


def growth_bets(evidence: FloatArray, *, maximum: float = MAXIMUM_BET) -> FloatArray:
    """Return the stake at each time from earlier e-values only, float64[T]; the first is 0.

    sum (e - 1) / sum (e - 1)**2 over the past, cut to 0..maximum: where the second-order growth of log wealth
    is largest.
    """
    gain = np.asarray(evidence, dtype=np.float64) - 1.0
    past = np.concatenate(([0.0], np.cumsum(gain)[:-1]))
    square = np.concatenate(([0.0], np.cumsum(gain * gain)[:-1]))
    best = np.divide(past, square, out=np.zeros_like(past), where=square > 0)
    return np.clip(best, 0.0, maximum)


def e_backtest_wealth(evidence: FloatArray, bets: float | FloatArray) -> FloatArray:
    """Return the wealth prod(1 - bet + bet e) after each time, float64[T], starting from 1.

    A forecast may be rejected at level a whenever wealth first reaches 1 / a, 20 at 5 %: by Ville's
    inequality the level holds however often one looks. Each bet, 0..1, must be fixed before its e-value is
    seen.
    """
    stakes = np.broadcast_to(np.asarray(bets, dtype=np.float64), np.shape(evidence))
    if np.any((stakes < 0) | (stakes > 1)):
        raise ValueError("bets must be in 0..1")
    growth: FloatArray = 1.0 - stakes + stakes * evidence
    wealth: FloatArray = np.cumprod(growth, dtype=np.float64)
    return wealth


def fit_tail(losses: FloatArray, *, exceedances: int) -> TailFit:
    """Fit a generalised Pareto tail by maximum likelihood to the largest losses.

    Parameters
    ----------
    losses
        float64[n].
    exceedances
        How many of the largest losses are fitted, 10..n-1; the threshold is the next largest.

    Raises
    ------
    ValueError
        Too few losses, or ties that leave no spread beyond the threshold.

    Notes
    -----
    Peaks over threshold: Pickands, Annals of Statistics 3 (1975).
    """
    ordered = np.sort(np.asarray(losses, dtype=np.float64))
    n = ordered.size
    if not 10 <= exceedances < n:
        raise ValueError(f"need 10 <= exceedances < {n} losses, was {exceedances}")
    threshold = float(ordered[n - exceedances - 1])
    excess = ordered[n - exceedances :] - threshold
    unit = float(excess.mean())  # the optimiser's tolerances are absolute
    if unit <= 0:
        raise ValueError("the losses beyond the threshold are all equal to it")
    shape, _, scale = stats.genpareto.fit(excess / unit, floc=0.0)
    return TailFit(
        threshold=threshold,
        shape=float(shape),
        scale=float(scale) * unit,
        exceedances=exceedances,
        observations=n,
    )


def _check_tail(tail: float) -> None:
    if not 0.0 < tail < 1.0:
        raise ValueError(f"tail must be between 0 and 1, was {tail}")


def _breaches(profit: FloatArray, value_at_risk: FloatArray, shortfall: FloatArray) -> BoolArray:
    if not profit.shape == value_at_risk.shape == shortfall.shape or profit.ndim != 1 or not profit.size:
        raise ValueError("profit, value at risk and shortfall must be series of the same length, at least 1")
    if np.any(shortfall <= 0):
        raise ValueError("expected shortfall must be positive")
    breach: BoolArray = profit + value_at_risk < 0
    return breach
