"""Attribution of liquidations on hand-made accounts whose answer is known."""

import math

import numpy as np
import pytest

from sim.metrics.cascade import (
    EXOGENOUS,
    MARGIN,
    PRICE,
    PRICE_AND_MARGIN,
    Attribution,
    CascadeForest,
    Exposure,
    attribute,
)

NOBODY = np.array([], dtype=np.int64)
NOTHING = np.array([])


def long_account(price: float, entry: float, margin: float, ratio: float, frozen: float) -> Exposure:
    """Return one base unit bought at ``entry`` with ``margin`` of collateral, now at ``price``."""
    return Exposure(size=1.0, price=price, equity=margin + price - entry, ratio=ratio, frozen_ratio=frozen)


def test_account_under_water_at_the_fundamental_price_is_exogenous() -> None:
    exposure = long_account(price=90.0, entry=100.0, margin=11.0, ratio=0.05, frozen=0.05)
    found = attribute(exposure, math.log(90.0 / 91.0), np.array([0]), np.array([math.log(90.0 / 91.0)]))
    assert found.cause == EXOGENOUS
    assert found.parent == -1


def test_account_healthy_at_the_fundamental_price_hangs_on_the_sale_that_tipped_it() -> None:
    # Liquidatable below p: 11 + p - 100 = 0.05 p, so p = 93.684...; the fundamental is 96.
    exposure = long_account(price=92.0, entry=100.0, margin=11.0, ratio=0.05, frozen=0.05)
    impacts = np.array([math.log(95.0 / 96.0), math.log(93.0 / 95.0), math.log(92.0 / 93.0)])
    found = attribute(exposure, math.log(92.0 / 96.0), np.array([4, 7, 9]), impacts)
    assert found == Attribution(cause=PRICE, parent=7, parents=(4, 7))


def test_impact_in_the_accounts_favour_is_no_parent() -> None:
    exposure = long_account(price=92.0, entry=100.0, margin=11.0, ratio=0.05, frozen=0.05)
    impacts = np.array([math.log(99.0 / 96.0), math.log(92.0 / 96.0)])
    found = attribute(exposure, math.log(92.0 / 96.0), np.array([1, 2]), impacts)
    assert found.parents == (2,)


@pytest.mark.parametrize(("impact_log", "cause"), [(0.0, MARGIN), (math.log(96.0 / 120.0), PRICE_AND_MARGIN)])
def test_account_healthy_at_the_starting_ratio_is_margin_feedback(impact_log: float, cause: str) -> None:
    exposure = long_account(price=96.0, entry=100.0, margin=11.0, ratio=0.08, frozen=0.05)
    found = attribute(exposure, impact_log, np.array([3]), np.array([impact_log]))
    assert found.cause == cause


def test_short_account_is_tipped_by_buying() -> None:
    # Short 1 at 100 with 11: equity 111 - p; liquidatable above 111/1.05 = 105.71.
    exposure = Exposure(size=-1.0, price=107.0, equity=4.0, ratio=0.05, frozen_ratio=0.05)
    found = attribute(exposure, math.log(107.0 / 104.0), np.array([2]), np.array([math.log(107.0 / 104.0)]))
    assert (found.cause, found.parent) == (PRICE, 2)


def test_forest_counts_roots_sizes_and_depths() -> None:
    forest = CascadeForest()
    for parent in (-1, 0, 1, 0, -1, 4):
        forest.add(Attribution(cause=PRICE, parent=parent, parents=()))
    assert forest.size_max == 4
    assert forest.depth_max == 2
    assert forest.branching_ratio == pytest.approx(1.0 - 2.0 / 6.0, abs=1e-15)


def test_empty_forest_has_no_cascade() -> None:
    forest = CascadeForest()
    assert (len(forest), forest.size_max, forest.depth_max, forest.branching_ratio) == (0, 0, 0, 0.0)
