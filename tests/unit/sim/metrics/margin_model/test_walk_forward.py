"""Walk-forward validation: what it calibrates, what it finds, and that it cannot see the future."""

import math

import numpy as np
import pytest
from scipy import stats

from sim.core.rng import Streams
from sim.metrics.margin_model import walk_forward as module
from sim.metrics.margin_model.walk_forward import (
    drift_p_value,
    garch_filter,
    quantile_scale,
    rank_null,
    walk_forward,
    walk_forward_garch,
)
from sim.metrics.margin_model.windows import Windows


def _windows(losses: np.ndarray, margin: np.ndarray | float = 0.03) -> Windows:
    n = losses.size
    return Windows(starts=np.arange(n), length=1, margin=np.broadcast_to(margin, n).copy(), long_loss=losses)


def _run(windows: Windows, side="long", folds=4, run=walk_forward):
    result = run(windows, side, Streams(1), target=0.01, folds=folds, name="test")
    assert result is not None
    return result


def test_the_scale_leaves_just_the_target_uncovered_in_training():
    ratios = np.arange(1.0, 1_001.0)
    scale = quantile_scale(ratios, 0.01)
    assert scale == 990.0
    assert np.mean(ratios > scale) == 0.01


@pytest.mark.parametrize("run", [walk_forward, walk_forward_garch])
@pytest.mark.parametrize("side", ["long", "short"])
def test_the_future_changes_nothing_that_was_judged_before(run, side):
    generator = np.random.default_rng(4)
    losses = 0.01 * generator.standard_t(4, 1_200)
    margin = 0.03 * np.exp(0.2 * generator.standard_normal(1_200))
    changed = losses.copy()
    changed[700:] = 0.5 * generator.uniform(-1, 1, 500)
    moved = margin.copy()
    moved[700:] *= 3.0
    before, after = (
        _run(_windows(losses, margin), side, run=run),
        _run(_windows(changed, moved), side, run=run),
    )
    # Folds start at 300, 600 and 900: the first is over at 600, the second is not.
    assert before.folds[0] == after.folds[0]
    assert before.folds[1].scale == after.folds[1].scale
    assert before.folds[2] != after.folds[2]


def test_each_fold_is_calibrated_on_the_stretch_before_it():
    losses = np.concatenate([size * np.linspace(-1, 1, 300) for size in (0.01, 0.02, 0.04)])
    result = _run(_windows(losses), folds=3)
    assert [fold.training for fold in result.folds] == [300, 300]
    assert [(fold.first_window, fold.last_window) for fold in result.folds] == [(300, 600), (600, 900)]
    first = quantile_scale(losses[:300] / 0.03, 0.01)
    assert result.folds[0].scale == first
    # Losses twice as large exceed it in (1 - 0.99 / 2) / 2 of the windows.
    assert result.folds[0].breaches == np.count_nonzero(losses[300:600] > first * 0.03)
    assert result.verdict == "rejected"


def test_a_stable_market_is_not_rejected_and_does_not_drift():
    losses = 0.01 * np.random.default_rng(9).standard_normal(20_000)
    result = _run(_windows(losses), folds=5)
    assert result.windows == 16_000
    assert result.drift == "not rejected"
    assert result.verdict == "not rejected"
    # Errors of the scales telescope: what remains of them in the total is the first and the last stretch's.
    error = math.sqrt(2 * 4_000 * 0.01 * 0.99) / 16_000
    assert abs(result.pooled_rate.estimate - 0.01) < 4.5 * error


def test_a_market_that_changes_drifts():
    generator = np.random.default_rng(9)
    sizes = np.repeat([0.01, 0.01, 0.04, 0.01, 0.01], 2_000)
    result = _run(_windows(sizes * generator.standard_normal(10_000)), folds=5)
    assert result.drift == "rejected"
    assert result.drift_p_value < 0.001


def test_the_null_of_ranks_is_the_procedure_on_independent_losses():
    generator = np.random.default_rng(12)
    sizes = [400, 400, 500]
    simulated = rank_null(sizes, 0.01, Streams(1), name="x")
    repeats = 2_000
    losses = np.exp(generator.standard_normal((repeats, 1_300)))
    counted = np.empty((repeats, 2))
    for row, loss in enumerate(losses):
        first, second = quantile_scale(loss[:400], 0.01), quantile_scale(loss[400:800], 0.01)
        counted[row] = (loss[400:800] > first).sum(), (loss[800:] > second).sum()
    for fold, size in ((0, 400), (1, 500)):
        law = stats.betabinom(size, 5, 396)  # 4 of 400 may exceed the factor
        error = law.std() / math.sqrt(repeats)
        assert abs(counted[:, fold].mean() - law.mean()) < 4.5 * error
        assert abs(simulated[:, fold].mean() - law.mean()) < 4.5 * law.std() / math.sqrt(len(simulated))
        assert simulated[:, fold].std() == pytest.approx(law.std(), rel=0.05)
    # A stretch with large losses breaches more and raises the next factor.
    ours, theirs = np.corrcoef(simulated.T)[0, 1], np.corrcoef(counted.T)[0, 1]
    assert ours < -0.2
    assert abs(ours - theirs) < 4.5 / math.sqrt(repeats)


def test_a_right_margin_is_rejected_no_more_often_than_it_may_be(monkeypatch):
    simulated = rank_null([400] * 5, 0.01, Streams(1), name="once")
    monkeypatch.setattr(module, "rank_null", lambda *_, **__: simulated)  # the same for every repeat
    generator = np.random.default_rng(13)
    repeats = 300
    rejected = np.zeros(3)
    for repeat in range(repeats):
        windows = _windows(generator.standard_t(3, 2_000))
        result = walk_forward(windows, "long", Streams(repeat), target=0.01, folds=5, name="size")
        assert result is not None
        rejected += (result.verdict == "rejected", result.drift == "rejected", result.folds[1].p_value < 0.05)
    assert (rejected / repeats <= 0.05 + 4.5 * math.sqrt(0.05 * 0.95 / repeats)).all()


def test_drift_has_its_level():
    generator = np.random.default_rng(6)
    sizes = [300] * 6
    rejected = sum(
        drift_p_value(generator.binomial(300, 0.02, 6).tolist(), sizes, Streams(k), name="x") < 0.05
        for k in range(100)
    )
    assert rejected <= 100 * 0.05 + 4.5 * math.sqrt(100 * 0.05 * 0.95)
    assert drift_p_value([0, 0], [10, 10], Streams(1), name="x") == 1.0
    assert drift_p_value([30, 0], [300, 300], Streams(1), name="x") < 0.001


def test_the_challenger_recovers_a_garch_and_covers_it():
    generator = np.random.default_rng(10)
    n, nu = 6_000, 5
    variance, previous, returns, true = 1e-4, 0.0, np.empty(n), np.empty(n)
    for step in range(n):
        variance = 2e-6 + 0.10 * previous**2 + 0.88 * variance
        true[step] = math.sqrt(variance)
        previous = true[step] * generator.standard_t(nu) * math.sqrt((nu - 2) / nu)
        returns[step] = previous
    deviation, mean, degrees = garch_filter(returns[:3_000], returns[3_000:])
    assert np.corrcoef(deviation, true[3_000:])[0, 1] > 0.98
    assert abs(np.log(deviation / true[3_000:]).mean()) < 0.1
    assert abs(mean) < 1e-3
    assert 3.5 < degrees < 8.0
    result = _run(_windows(-np.expm1(returns)), folds=2, run=walk_forward_garch)
    assert result.pooled_rate.lower < 0.01 < result.pooled_rate.upper


def test_short_stretches_are_not_judged():
    windows = _windows(np.zeros(399))
    assert walk_forward(windows, "long", Streams(1), target=0.01, folds=4, name="x") is None
    with pytest.raises(ValueError, match="two folds"):
        walk_forward(windows, "long", Streams(1), target=0.01, folds=1, name="x")
