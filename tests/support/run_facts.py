"""The facts of a run in which every number is its own, so that no metric can read its neighbour's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import numpy as np

from sim.core.units import GWEI, TOKEN_UNIT, WAD
from sim.metrics.book import DIGEST, measured
from sim.metrics.facts import RunFacts, Shortfall, Standing, Totals
from sim.metrics.margin import CoverageTest, Procyclicality
from sim.metrics.matching import Totals as MatchTotals
from sim.metrics.worlds import OtherWorld
from sim.protocol.mirror import Valuation
from sim.protocol.state import MarketState, ProtocolState


def summary_keys() -> tuple[str, ...]:
    """Return the keys of ``summary.json`` in their order."""
    return (DIGEST, *measured(run_facts()))


def run_facts(*, worlds: Mapping[OtherWorld, RunFacts] | None = None) -> RunFacts:
    """Return facts whose metrics are worked out by hand in ``tests/unit/sim/metrics/test_book.py``."""
    zeros = np.zeros(4)
    return RunFacts(
        blocks=11,
        settlement_blocks=3,
        totals=Totals(
            transactions=101,
            reverted=13,
            liquidations=5,
            liquidated_notional=4_000.0,
            auto_deleveraged_notional=170.0,
            margin_calls=19,
            cured_margin_calls=7,
            bounties=50 * WAD,
            liquidator_gas_wei=WAD // 100,
            closer_gas_wei=10**16 // 5,
            oracle_age_max=432,
            base_fee_max=77 * GWEI,
            fund_min=600 * WAD,
            negative_equity_max=9.0,
            price_min=1_400.0,
            drawdown=0.3,
            overshoot=0.02,
            collateral_sales=23,
            collateral_sold=31 * TOKEN_UNIT,
            collateral_drawdown=0.41,
            initial_weighted=[10.0, 40.0],
            maintenance_weighted=[5.0, 30.0],
            notional=[100.0, 400.0],
            open_interest_start=110.0,
        ),
        coverage=CoverageTest(pairs=40, breaches=2, breach_sizes=[0.5, 1.0]),
        procyclicality=Procyclicality(highest=0.09, lowest=0.06, max_increase=0.25),
        before=_protocol(1_000),
        after=_protocol(2_000),
        market_before=MarketState(**{field.name: 1_990 * WAD for field in fields(MarketState)}),
        valuation=Valuation(
            equity=np.array([5.0, -3.0, -4.0, -100.0]),
            notional=np.array([50.0, 60.0, 70.0, 0.0]),
            initial_requirement=zeros,
            maintenance_requirement=zeros,
            maintenance_ratio=np.stack([zeros, zeros]),
        ),
        price_start=2_000.0,
        price_end=1_700.0,
        native_price=2_500.0,
        start=Standing(
            liquidatable=Shortfall(accounts=21, notional=2_100.0),
            after_ramp=Shortfall(accounts=22, notional=2_200.0),
            initial=Shortfall(accounts=23, notional=2_300.0),
        ),
        added_at_set_up=24.0,
        added_in_run=26.0,
        invariants_checked=900,
        invariant_violations=0,
        silent_oracles=2,
        column=lambda table, name: {
            ("liquidations", "notional"): [250.0, 750.0],
            ("liquidations", "market"): [0, 1],
            ("blocks", "external_price"): [2_000.0, 1_500.0],
            ("formula_failures", "block"): [8, 20, 31],
        }[table, name],
        trader_loss=620.0,
        worlds=worlds or {},
        matched=dict.fromkeys(
            worlds or {},
            MatchTotals(
                notional=4_000.0,
                notional_there=2_500.0,
                excess=1_800.0,
                avoided=200.0,
                repriced=-100.0,
                forward=1_000.0,
                forward_seconds=130,
            ),
        ),
    )


def _protocol(base: int) -> ProtocolState:
    """Return a state whose fields rise by place: the second state differs in each by its own amount."""
    share = base // 1_000
    return ProtocolState(
        **{field.name: (base + share * place) * WAD for place, field in enumerate(fields(ProtocolState))}
    )
