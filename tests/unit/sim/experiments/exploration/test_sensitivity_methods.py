"""Screening and variance shares through our wrappers, against functions whose answers are known."""

import math

import numpy as np
import pytest
from SALib.analyze import morris as salib_morris
from SALib.test_functions import Ishigami

from sim.core.rng import Streams
from sim.experiments.exploration.morris import (
    elementary_effects,
    kept_parameters,
    morris_design,
    morris_indices,
)
from sim.experiments.exploration.numbers import library_seed, unit_problem
from sim.experiments.exploration.resampling import evaluate, resample_counts
from sim.experiments.exploration.sobol import sobol_design, sobol_indices

COEFFICIENTS = np.array([3.0, -1.0, 0.5, 0.0])


def drawn(replicates, size, seed=5):
    return np.stack([Streams(seed).draw("design", b).integers(0, size, size) for b in range(replicates)])


def test_screening_of_a_linear_model_is_exact():
    design = morris_design(4, 20, levels=4, seed=1)
    outputs = design @ COEFFICIENTS
    indices = morris_indices(
        design, outputs, np.repeat(outputs[:, None], 50, axis=1), drawn(50, 20), confidence=0.95, units=400
    )
    for coefficient, index in zip(COEFFICIENTS, indices, strict=True):
        assert index.mu.estimate == pytest.approx(coefficient, abs=1e-12)
        assert index.mu_star.estimate == pytest.approx(abs(coefficient), abs=1e-12)
        assert index.sigma.estimate == pytest.approx(0.0, abs=1e-12)
        assert index.mu_star.upper == pytest.approx(abs(coefficient), abs=1e-9)
        assert index.noise == pytest.approx(0.0, abs=1e-12)


def test_effects_agree_with_salib_on_a_model_with_interactions():
    design = morris_design(3, 30, levels=6, seed=2)
    outputs = np.sin(5 * design[:, 0]) + design[:, 1] * design[:, 2]
    effects = elementary_effects(design, outputs)
    found = salib_morris.analyze(unit_problem(3), design, outputs, num_levels=6, seed=1)
    assert effects.mean(axis=1) == pytest.approx(np.asarray(found["mu"]))
    assert np.abs(effects).mean(axis=1) == pytest.approx(np.asarray(found["mu_star"]))
    assert effects.std(axis=1, ddof=1) == pytest.approx(np.asarray(found["sigma"]))


def test_noise_of_the_paths_is_told_from_an_effect():
    # Parameter 0 shifts every path by its value; parameter 1 shuffles which path suffers, without changing
    # the mean.
    design = morris_design(3, 20, levels=4, seed=3)
    paths = 400
    chance = Streams(9).draw("paths").normal(3 * paths).reshape(3, paths)
    values = design[:, :1] * 0.5 + chance[0] + design[:, 1:2] * chance[1]
    counts = resample_counts(np.arange(paths), 200, Streams(4))
    indices = morris_indices(
        design,
        evaluate(values, "mean"),
        evaluate(values, "mean", counts=counts),
        drawn(200, 20),
        confidence=0.95,
        units=400,
    )
    assert indices[0].above_noise
    assert indices[0].mu_star.lower > 0.4
    # The 95 % point of |mean of 400 standard normals| is 1.96 / sqrt(400). From 200 resamples it has a
    # relative standard error of sqrt(0.05 * 0.95 / 200) / density(0.117) / 1.96 = 6.7 %, the sample's own
    # deviation adds 1 / sqrt(800) = 3.5 %: 7.6 % together, of which 4.5 are allowed.
    assert indices[1].noise == pytest.approx(1.96 / math.sqrt(paths), rel=4.5 * 0.076)
    assert indices[2].mu_star.estimate == 0.0
    assert indices[2].noise == 0.0


def test_screening_drops_only_what_is_surely_small():
    design = morris_design(4, 20, levels=4, seed=1)
    outputs = design @ COEFFICIENTS
    indices = morris_indices(
        design, outputs, np.repeat(outputs[:, None], 20, axis=1), drawn(20, 20), confidence=0.95, units=400
    )
    assert kept_parameters((indices,), share=0.1) == (0, 1, 2)
    assert kept_parameters((indices,), share=0.2) == (0, 1)
    assert kept_parameters((indices,), share=0.5) == (0,)
    other = morris_indices(
        design,
        design[:, 3].copy(),
        np.repeat(design[:, 3:], 20, axis=1),
        drawn(20, 20),
        confidence=0.95,
        units=400,
    )
    assert kept_parameters((indices, other), share=0.5) == (0, 3)


def test_nothing_is_kept_where_nothing_varies():
    design = morris_design(2, 20, levels=4, seed=1)
    flat = np.full(len(design), 0.3)
    indices = morris_indices(
        design, flat, np.repeat(flat[:, None], 20, axis=1), drawn(20, 20), confidence=0.95, units=400
    )
    assert kept_parameters((indices,), share=0.1) == ()


def test_ishigami_has_its_known_indices():
    # V = a^2/8 + b pi^4/5 + b^2 pi^8/18 + 1/2, V1 = (1 + b pi^4/5)^2 / 2, V2 = a^2/8, V13 = b^2 pi^8 8/225,
    # a = 7, b = 0.1.
    a, b = 7.0, 0.1
    total = a**2 / 8 + b * math.pi**4 / 5 + b**2 * math.pi**8 / 18 + 0.5
    first = np.array([(1 + b * math.pi**4 / 5) ** 2 / 2, a**2 / 8, 0.0]) / total
    pair = b**2 * math.pi**8 * 8 / 225 / total
    everything = first + np.array([pair, 0.0, pair])
    samples, replicates = 2_048, 300
    design = sobol_design(3, samples, second_order=True, seed=4)
    outputs = Ishigami.evaluate(math.pi * (2 * design - 1))
    found = sobol_indices(
        outputs,
        np.repeat(outputs[:, None], replicates, axis=1),
        drawn(replicates, samples),
        parameters=3,
        second_order=True,
        confidence=0.95,
        units=400,
    )
    assert found.standard_deviation == pytest.approx(math.sqrt(total), rel=0.05)
    for index, s1, st in zip(found.parameters, first, everything, strict=True):
        for interval, truth in ((index.first, s1), (index.total, st)):
            # Half-widths are 1.96 standard errors of independent points, which Sobol points undercut: 4.5
            # are allowed.
            assert abs(interval.estimate - truth) <= 4.5 / 1.96 * (interval.upper - interval.lower) / 2
            assert 0.0 < interval.upper - interval.lower < 0.25
    assert {(one, two) for one, two, _ in found.pairs} == {(0, 1), (0, 2), (1, 2)}
    s13 = next(interval for one, two, interval in found.pairs if (one, two) == (0, 2))
    assert s13.lower < pair < s13.upper


def test_common_paths_cancel_what_does_not_depend_on_the_parameters():
    # Noise shared by all design points is a constant of each set of paths: indices must not feel it.
    samples, paths = 256, 40
    design = sobol_design(2, samples, second_order=False, seed=4)
    noise = 100.0 * Streams(9).draw("paths").normal(paths)
    values = (design @ np.array([1.0, 2.0]))[:, None] + noise
    counts = resample_counts(np.arange(paths), 100, Streams(4))
    found = sobol_indices(
        evaluate(values, "mean"),
        evaluate(values, "mean", counts=counts),
        drawn(100, samples),
        parameters=2,
        second_order=False,
        confidence=0.95,
        units=400,
    )
    for index, share in zip(found.parameters, (0.2, 0.8), strict=True):
        assert index.total.lower <= share <= index.total.upper
        assert index.total.estimate == pytest.approx(share, abs=0.05)


def test_an_output_that_never_varies_has_no_shares():
    outputs = np.full(16 * 4, 0.3)
    found = sobol_indices(
        outputs,
        np.repeat(outputs[:, None], 10, axis=1),
        drawn(10, 16),
        parameters=2,
        second_order=False,
        confidence=0.95,
        units=400,
    )
    assert found.standard_deviation == 0.0
    assert all(index.total.estimate == 0.0 for index in found.parameters)


def test_designs_depend_on_the_seed_alone():
    one = sobol_design(3, 16, second_order=False, seed=0), morris_design(3, 20, levels=4, seed=0)
    np.random.seed(1)  # noqa: NPY002
    two = sobol_design(3, 16, second_order=False, seed=0), morris_design(3, 20, levels=4, seed=0)
    assert all(np.array_equal(x, y) for x, y in zip(one, two, strict=True))
    assert not np.array_equal(one[0], sobol_design(3, 16, second_order=False, seed=1))


def test_libraries_never_get_the_seed_that_means_none():
    seeds = {library_seed(Streams(seed), "x") for seed in range(200)}
    assert len(seeds) == 200
    assert min(seeds) >= 1
    assert max(seeds) < 2**31
