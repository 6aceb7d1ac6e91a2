"""A liquidation that closes a position and its hedge sent both orders outside as the later one's.

One call logs `Liquidated` twice, in two markets. The block loop kept one number a transaction, so that what
the first close left to be sold went out under the number of the second.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.engine.options import RunOptions
from sim.engine.run import execute, load_histories
from sim.engine.scenario.load import load_scenario
from sim.engine.worlds.flows import FlowRouter
from tests.support.small_run import SCENARIO

CALM = 'price = { kind = "gbm", volatility = 0.1 }'
MARKETS = (
    f'markets=[{{ name = "ETH", initial_price = 2000.0, {CALM} }},'
    f' {{ name = "BTC", initial_price = 30000.0, {CALM} }}]'
)
BOOK = """account,market,size,entry_price,collateral
hedged,ETH,20,2000,4500
hedged,BTC,-1.3,30000,4500
"""


@pytest.fixture
def scenario(tmp_path):
    """Return a book of one account whose long and short nearly balance, and a fall of the long alone."""
    (tmp_path / "book.csv").write_text(BOOK)
    text = SCENARIO.read_text().replace("count = 60", 'book = "book.csv"')
    (tmp_path / "book.toml").write_text(text)
    fall = 'shocks=[{ kind = "price_jump", at_block = 3, size = -0.2 }]'
    changes = (MARKETS, "whales=[]", "blocks=16", "keepers.heartbeat_seconds=12", fall)
    return load_scenario(tmp_path / "book.toml", overrides=list(changes))


def test_each_close_is_sold_outside_as_itself(scenario, monkeypatch):
    sent: list[tuple[FlowRouter, int]] = []
    forced = FlowRouter.forced

    def noted(router: FlowRouter, source: int, notional: float) -> None:
        sent.append((router, source))
        forced(router, source, notional)

    monkeypatch.setattr(FlowRouter, "forced", noted)
    options = RunOptions(out=Path(), worlds="none")
    run = execute(scenario, options, load_histories(scenario, options))
    run.world.chain.close()

    closes = run.loop.recorder.closes
    assert {close.market for close in closes} == {0, 1}
    routers = run.world.routers
    assert sorted(source for _, source in sent) == list(range(len(closes)))
    for router, source in sent:
        assert router is routers[closes[source].market]
