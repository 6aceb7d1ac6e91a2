"""Splitting against probabilities known in closed form, and what a design must not be."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import pytest
from scipy.signal import fftconvolve
from scipy.stats import norm

from sim.core.errors import InputError
from sim.core.rng import path_seed
from sim.experiments.rare.splitting import SplittingDesign, split

VOLATILITY, YEARS = 0.8, 7 / 365  # the case of quant notes 8.2
DRIFT = -0.5 * VOLATILITY**2  # of the log price of a martingale


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed))


def first_passage(barrier: float, steps: int, *, grid: int = 6_000) -> float:
    """Return the probability that a price of 1 is at or under a barrier after any of some equal steps.

    Convolution of the log price killed at the barrier, in units of a step's deviation.
    """
    deviation = VOLATILITY * math.sqrt(YEARS / steps)
    level, drift = math.log(barrier) / deviation, DRIFT * YEARS / steps / deviation
    high = drift * steps + 9.0 * math.sqrt(steps)
    width = (high - level) / grid
    places = level + width * (np.arange(grid) + 0.5)
    kernel = norm.pdf(width * np.arange(1 - grid, grid) - drift) * width
    alive = norm.pdf(places - drift) * width
    leaves = norm.cdf(level - places - drift)
    passed = float(norm.cdf(level - drift))
    for _ in range(steps - 1):
        passed += float(alive @ leaves)
        alive = fftconvolve(alive, kernel)[grid - 1 : 2 * grid - 1]
    return passed


class Price:
    """A geometric Brownian motion from 1; its score is how far its logarithm has fallen."""

    def __init__(self, seed: int, steps: int, step: int = 0, log: float = 0.0) -> None:
        self._steps, self._step, self._log = steps, step, log
        self._start = step
        size = VOLATILITY * math.sqrt(YEARS / steps)
        self._returns = DRIFT * YEARS / steps + size * generator(seed).standard_normal(steps - step)

    @property
    def finished(self) -> bool:
        return self._step == self._steps

    def score(self) -> float:
        return -self._log

    def step(self) -> None:
        self._log += float(self._returns[self._step - self._start])
        self._step += 1

    def branch(self) -> Callable[[int], Price]:
        steps, step, log = self._steps, self._step, self._log
        return lambda seed: Price(seed, steps, step, log)


def price_root(seed: int, steps: int):
    return lambda number: nullcontext(Price(path_seed(seed, number), steps))


@pytest.mark.parametrize(("steps", "expected"), [(24, 0.105913), (168, 0.120840)])
def test_the_closed_form_is_that_of_the_notes(steps, expected):
    """Quant 8.3: the liquidation price of 8.1 (five times leverage, 5 % margin) within a week, 6 digits."""
    assert first_passage(0.842105, steps, grid=12_000) == pytest.approx(expected, abs=2e-6)


def test_one_in_ten_thousand_is_found():
    barrier, steps = 0.655, 24
    exact = first_passage(barrier, steps)
    assert 5e-5 < exact < 2e-4
    levels = tuple(share * -math.log(barrier) for share in (0.3, 0.55, 0.75, 0.9, 1.0))
    design = SplittingDesign(levels=levels, offspring=(4, 5, 5, 4), roots=200, replicas=40)
    found = split(price_root(1, steps), design, seed=1, steps_of_a_path=steps)
    error = found.deviation / math.sqrt(40)
    assert abs(found.interval.mean - exact) < 4.5 * error
    assert found.relative_error < 0.2
    # Quant 7.3: "about 20x cheaper than naive"; the design here splits at four levels.
    assert found.speed_up > 20
    assert found.naive_steps == pytest.approx(
        found.interval.mean * (1 - found.interval.mean) / error**2 * steps
    )
    assert found.roots == 8_000
    assert list(found.reached) == sorted(found.reached, reverse=True)
    assert found.interval.mean == pytest.approx(found.reached[-1] / (8_000 * 4 * 5 * 5 * 4))
    assert found.zero_bound is None


# --- a chain that jumps over levels, exactly solvable ---

MOVES = ((-1, 0.55), (1, 0.30), (2, 0.10), (5, 0.05))


class Chain:
    """A walk on whole numbers for twelve steps."""

    length = 12

    def __init__(self, seed: int, step: int = 0, place: int = 0) -> None:
        self._step, self._place = step, place
        self._draws = generator(seed)

    @property
    def finished(self) -> bool:
        return self._step == self.length

    def score(self) -> float:
        return float(self._place)

    def step(self) -> None:
        moves, chances = zip(*MOVES, strict=True)
        self._place += int(self._draws.choice(moves, p=chances))
        self._step += 1

    def branch(self) -> Callable[[int], Chain]:
        step, place = self._step, self._place
        return lambda seed: Chain(seed, step, place)


def chain_probability(target: int) -> float:
    """Return P(place >= target at any step), by going through every place."""
    alive, reached = {0: 1.0}, 0.0
    for _ in range(Chain.length):
        following: dict[int, float] = {}
        for place, mass in alive.items():
            for move, chance in MOVES:
                if place + move >= target:
                    reached += mass * chance
                else:
                    following[place + move] = following.get(place + move, 0.0) + mass * chance
        alive = following
    return reached


@pytest.mark.parametrize(
    ("levels", "offspring"),
    [
        ((9.0,), ()),
        ((3.0, 9.0), (4,)),
        ((1.0, 2.0, 3.0, 9.0), (2, 1, 3)),  # moves of 5 skip several at once
        ((4.0, 6.0, 8.0, 9.0), (2, 2, 2)),
    ],
)
def test_any_design_is_unbiased(levels, offspring):
    exact = chain_probability(9)
    design = SplittingDesign(levels=levels, offspring=offspring, roots=20, replicas=60)
    found = split(lambda number: nullcontext(Chain(path_seed(3, number))), design, seed=3, steps_of_a_path=12)
    assert abs(found.interval.mean - exact) < 4.5 * found.deviation / math.sqrt(60)
    assert found.relative_error < 0.2  # or the comparison would say nothing


def test_replicas_do_not_depend_on_one_another():
    levels = (3.0, 9.0)
    root = lambda number: nullcontext(Chain(path_seed(3, number)))  # noqa: E731
    few, many = (
        split(
            root,
            SplittingDesign(levels=levels, offspring=(4,), roots=10, replicas=replicas),
            seed=3,
            steps_of_a_path=12,
        )
        for replicas in (20, 30)
    )
    assert many.replicas[:20] == few.replicas
    assert len(set(few.replicas)) > 3
    other = split(root, SplittingDesign(levels=levels, offspring=(4,), roots=10), seed=4, steps_of_a_path=12)
    assert other.replicas != few.replicas  # the offspring draw from the seed


def test_no_hit_is_not_no_chance():
    design = SplittingDesign(levels=(8.0, 70.0), offspring=(2,), roots=5)
    found = split(lambda number: nullcontext(Chain(path_seed(3, number))), design, seed=3, steps_of_a_path=12)
    assert found.interval.mean == 0.0
    assert found.zero_bound == pytest.approx(1 - 0.05 ** (1 / 100))
    assert found.relative_error is None
    assert found.naive_steps is None
    assert found.speed_up is None


def test_work_is_counted():
    """Without an event nobody branches: every root takes every step."""
    design = SplittingDesign(levels=(70.0,), offspring=(), roots=3)
    done: list[int] = []
    found = split(
        lambda number: nullcontext(Chain(path_seed(3, number))),
        design,
        seed=3,
        steps_of_a_path=12,
        progress=done.append,
    )
    assert found.steps == 3 * 20 * 12
    assert done == list(range(1, 21))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"levels": ()}, "need at least one"),
        ({"levels": (2.0, 1.0)}, "must increase, 1 follows 2"),
        ({"levels": (1.0, math.inf)}, "must be finite"),
        ({"offspring": (2, 2)}, "one number for each level but the last, 1, was 2"),
        ({"offspring": (0,)}, "at least 1, was 0"),
        ({"offspring": (10**10,)}, "of one root, at most"),
        ({"roots": 0}, "roots: must be at least 1"),
        ({"replicas": 19}, "replicas: must be at least 20"),
    ],
)
def test_designs_that_estimate_nothing_are_refused(changed, words):
    with pytest.raises(InputError, match=words):
        SplittingDesign(**{"levels": (1.0, 2.0), "offspring": (2,), "roots": 5, **changed})


def test_a_path_has_steps():
    with pytest.raises(InputError, match="steps_of_a_path"):
        split(
            lambda number: nullcontext(Chain(number)),
            SplittingDesign(levels=(1.0,), offspring=(), roots=1),
            seed=1,
            steps_of_a_path=0,
        )
