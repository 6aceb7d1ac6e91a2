"""Two accounts of one owner took 456,000 of a fund of 500,000 by waiting for funding, at a constant price.

A premium was bound by the initial ratio, which holds right after a check. Funding, which the partner
collected, brought an account down to its maintenance ratio; then it closed by itself at the worst premium and
owed what the premium was above that ratio, and the fund paid. Now the maintenance ratio of a market at rest
is the bound.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.core.errors import RunError
from tests.regression.test_a_position_larger_than_its_market_is_closed_in_time import TRANSCRIPT
from tests.support.economic.history import Action, History, read_transcript
from tests.support.economic.minimise import replay
from tests.support.economic.old_rules import OldRule
from tests.support.economic.play import ROUNDING_UNITS
from tests.support.economic.verbs import KEEPER

UNBOUND = OldRule(
    name="a premium that only the initial ratio carries",
    edits=(
        (
            "modules/markets.vy",
            '    assert terms.max_premium <= rest, "markets: ratio below the premium"\n',
            "",
        ),
    ),
    attacks=None,
    histories=0,
)
MAINTENANCE = 0.025


def history(premium: float) -> History:
    """Return the short, the partner who mirrors it, and the hours until funding has eaten its margin."""
    found = read_transcript(TRANSCRIPT)
    waits = [Action("wait", KEEPER, (seconds,)) for seconds in (7_200, 7_200, 2_520)]
    markets = [dict(market) for market in found.draw.markets]
    markets[1]["pricing_terms"] = {**markets[1]["pricing_terms"], "max_premium": premium}
    draw = replace(found.draw, fund=500_000, markets=markets)
    return replace(found, draw=draw, actions=(*found.actions[:3], Action("mirror", 2, (0, 1, 9_900)), *waits))


def test_at_the_bound_waiting_for_funding_gains_nothing():
    assert replay(history(MAINTENANCE), checks=False).best.profit <= ROUNDING_UNITS


def test_above_it_the_fund_is_taken_and_the_contracts_refuse_it(tmp_path):
    above = history(2 * MAINTENANCE)
    with pytest.raises(RunError, match="ratio below the premium"):
        replay(above, checks=False)
    assert replay(above, UNBOUND.contracts(tmp_path), checks=False).best.profit > 400_000 * 10**6
