"""A small consistent results folder, made by a documented toy market rather than written down."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.engine.blocks.rows import CounterfactualRow
from sim.engine.blocks.run_digest import SCHEMA_VERSION
from sim.engine.results.counterfactual import counterfactual_rows
from sim.metrics.matching import Close, match, totals_of
from sim.reporting.findings.run import run_findings
from sim.reporting.pages.remake import publish
from tests.support.sealed import seal, write_conforming


@dataclass(kw_only=True)
class ToyMarket:
    """A float toy of the protocol, with just enough feedback to give every column of a run a sensible value.

    The fundamental price is a geometric random walk with a crash in the middle and a sudden ``gap`` in it.
    Accounts are long or short with a random leverage. One whose equity at the (lagging) risk price is below
    maintenance is closed; closing moves the impact part of the price, which decays. Losses below zero
    go to the fund, then to winners, then to the pool, so that bad debt is always the sum of the three.
    """

    blocks: int = 600
    accounts: int = 200
    seed: int = 7
    crash: float = 0.30
    gap: float = 0.0
    fund: float = 400_000.0
    impact: float = 1.2e-9
    seconds_per_block: int = 12
    start: int = 1_583_971_200  # 2020-03-12 00:00 UTC
    liquidations: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def run(self) -> None:
        """Fill ``rows``, ``liquidations`` and the arrays of the accounts."""
        rng = np.random.Generator(np.random.Philox(self.seed))
        shape = np.exp(-(((np.arange(self.blocks) / self.blocks - 0.45) / 0.06) ** 2) / 2)
        drift = np.log1p(-self.crash) * shape / shape.sum()
        drift[int(0.47 * self.blocks)] += np.log1p(-self.gap)
        fundamental = 194.0 * np.exp(np.cumsum(drift + rng.normal(0, 0.0009, self.blocks)))
        self.long = rng.uniform(size=self.accounts) < 0.65
        self.leverage = np.exp(rng.normal(1.6, 0.55, self.accounts)).clip(1.2, 24)
        self.collateral = np.exp(rng.normal(9.6, 1.2, self.accounts))
        self.group = np.where(np.arange(self.accounts) >= self.accounts - 3, "whale:first", "traders:retail")
        self.collateral[self.group == "whale:first"] *= 25
        self.size = np.where(self.long, 1, -1) * self.collateral * self.leverage / fundamental[0]
        self.open = np.ones(self.accounts, dtype=bool)
        self.equity = self.collateral.copy()
        fund, impact, vol, losses = (
            self.fund,
            0.0,
            0.5,
            {"fund_draws": 0.0, "haircuts": 0.0, "socialized_loss": 0.0},
        )
        index = fundamental[0]
        age = 0
        for block in range(self.blocks):
            price = fundamental[block] * np.exp(impact)
            stressed = shape[block] > 0.4
            age = age + self.seconds_per_block if stressed and block % 9 else 0
            index = index if age else price
            vol = 0.97 * vol + 0.03 * (0.5 + 3.5 * shape[block])
            maintenance = min(0.12, 0.02 + 0.02 * vol)
            pnl = self.size * (index - fundamental[0])
            self.equity = np.where(self.open, self.collateral + pnl, self.equity)
            notional = np.abs(self.size) * index
            due = np.flatnonzero(self.open & (self.equity < maintenance * notional))[:12]
            flow = 0.0
            for account in due:
                deficit = max(0.0, -float(self.equity[account]))
                paid = min(fund, deficit)
                fund -= paid
                losses["fund_draws"] += paid
                losses["haircuts"] += 0.6 * (deficit - paid)
                losses["socialized_loss"] += 0.4 * (deficit - paid)
                fee = min(max(float(self.equity[account]), 0.0), 0.01 * float(notional[account]))
                fund += fee / 2
                number = len(self.liquidations)
                self.liquidations.append(
                    {
                        "id": number,
                        "block": block,
                        "timestamp": self.start + block * self.seconds_per_block,
                        "account": int(account),
                        "market": 0,
                        "liquidator": 7,
                        "size": float(self.size[account]),
                        "price": price,
                        "risk_price": index,
                        "notional": float(notional[account]),
                        "equity": float(self.equity[account]),
                        "maintenance_requirement": maintenance * notional[account],
                        "fee": fee,
                        "bounty": fee / 2,
                        "insurance_fee": fee / 2,
                        "deficit": deficit,
                        "leverage_at_entry": float(self.leverage[account]),
                        "overshoot": deficit / notional[account],
                    }
                )
                self.open[account] = False
                self.equity[account] = max(0.0, float(self.equity[account]) - fee)
                flow -= self.size[account] * price
            impact = impact * 0.985 + self.impact * flow / (1 + 3 * shape[block]) * (1 + 4 * shape[block])
            live = self.open
            at_risk = float((np.abs(self.size) * index)[live].sum())
            self.rows.append(
                dict(
                    block=block,
                    timestamp=self.start + block * self.seconds_per_block,
                    external_price=price,
                    fundamental_price=fundamental[block],
                    index_price=index,
                    risk_price=index,
                    mark_price=index,
                    ema_price=index,
                    volatility_fast=vol,
                    volatility_slow=0.6,
                    initial_margin_ratio=1.8 * maintenance,
                    maintenance_margin_ratio=maintenance,
                    ramped_maintenance_margin_ratio=0.9 * maintenance,
                    mean_initial_margin_ratio=1.9 * maintenance,
                    mean_maintenance_margin_ratio=0.95 * maintenance,
                    long_open_interest=float(self.size[live & self.long].sum()),
                    short_open_interest=float(-self.size[live & ~self.long].sum()),
                    open_interest_notional=at_risk,
                    mean_leverage=at_risk / max(1.0, float(self.equity[live].sum())),
                    accounts_open=int(live.sum()),
                    insurance_fund=fund,
                    pool_assets=4e7 - losses["socialized_loss"] + 100.0 * block,
                    bad_debt=sum(losses.values()),
                    **losses,
                    pending_deficit=0.0,
                    liquidations=len(due),
                    liquidated_notional=float(notional[due].sum()),
                    margin_calls=len(due) * 2,
                    forced_flow=float(flow),
                    impact_log=impact,
                    depth=2e6 * (1 - 0.8 * shape[block]),
                    base_fee_gwei=20 + 380 * shape[block],
                    gas_used=int(12e6 + 3e6 * shape[block]),
                    gas_demanded=int(12e6 + 30e6 * shape[block]),
                    mempool_size=int(40 * shape[block]),
                    included=3 + len(due),
                    reverted=int(len(due) > 3),
                    evicted=int(shape[block] > 0.8),
                    oracle_age_seconds=age,
                    oracle_status=3 if age > 60 else 0,
                    liquidatable_accounts=len(due),
                    market=0,
                )
            )

    def write(self, folder: Path, *, observed: bool, title: str) -> None:
        """Write the folder of a run that has been simulated."""
        blocks = pd.DataFrame(self.rows)
        falls = pd.DataFrame(self.liquidations)
        folder.mkdir(parents=True, exist_ok=True)
        write_conforming(blocks, folder, "blocks")
        write_conforming(falls, folder, "liquidations")
        liquidated = np.zeros(self.accounts)
        if len(falls):
            hit = falls["account"].to_numpy()
            np.add.at(liquidated, hit, falls["notional"].to_numpy())
        accounts = pd.DataFrame(
            {
                "account": np.arange(self.accounts),
                "group": self.group,
                "side": np.where(self.long, "long", "short"),
                "leverage_start": self.leverage,
                "notional_start": self.collateral * self.leverage,
                "collateral_start": self.collateral,
                "wallet_start": 0.0,
                "equity_start": self.collateral,
                "equity_end": self.equity,
                "size_end": np.where(self.open, self.size, 0.0),
                "realized_pnl": 0.0,
                "fees_paid": self.collateral * 0.001,
                "funding_paid": 0.0,
                "topped_up": 0.0,
                "liquidations": (liquidated > 0).astype(int),
                "liquidated_notional": liquidated,
                "profit": self.equity - self.collateral,
            }
        )
        write_conforming(accounts, folder, "accounts")
        self.write_beside(folder)
        kinds = ["liquidate"] * max(1, len(falls)) + ["report"] * (3 * self.blocks)
        count = len(kinds)
        transactions = pd.DataFrame(
            {
                "block": np.arange(count) % self.blocks,
                "position": 0,
                "agent": "keeper",
                "kind": kinds,
                "sender": 1,
                "account": 2,
                "status": [step % 17 != 0 for step in range(count)],
                "revert_reason": ["" if step % 17 else "liquidation: healthy" for step in range(count)],
                "gas_used": 120_000,
                "priority_fee_gwei": 2.0,
                "fee_paid_eth": 0.003,
                "submitted_block": np.arange(count) % self.blocks - 1,
            }
        )
        write_conforming(transactions, folder, "transactions")
        if observed:
            times = self.start + 60 * np.arange(self.blocks * self.seconds_per_block // 60)
            middle = times[0] + 0.46 * (times[-1] - times[0])
            wave = np.exp(-(((times - middle) / (0.06 * (times[-1] - times[0]))) ** 2))
            pd.DataFrame(
                {"timestamp": times, "observed_long": 900 * wave, "observed_short": 60 * wave}
            ).to_parquet(folder / "observed.parquet")
        (folder / "summary.json").write_text(json.dumps(self.summary(blocks, falls)))
        (folder / "manifest.json").write_text(json.dumps(self.manifest(title)))
        seal(folder)

    def without_impact(self) -> "ToyMarket":
        """Return the same market where closing moves no price."""
        other = replace(self, impact=0.0, liquidations=[], rows=[])
        other.run()
        return other

    def closes(self) -> list[Close]:
        """Return the liquidations as they are matched with those of another world."""
        return [
            Close(
                one["account"], one["market"], round(one["size"] * 10**18), one["timestamp"], one["notional"]
            )
            for one in self.liquidations
        ]

    def write_beside(self, folder: Path) -> None:
        """Write the tables of the world without price feedback."""
        other = self.without_impact()
        world = "no_price_feedback"
        kept = ["block", "timestamp", "market", "external_price", "liquidations", "liquidated_notional"]
        rows = pd.DataFrame(other.rows)[[*kept, "bad_debt"]].assign(world=world)
        write_conforming(rows, folder, "worlds")
        matched = match(self.closes(), other.closes(), block_seconds=self.seconds_per_block)
        table = pd.DataFrame(counterfactual_rows({world: matched}), columns=CounterfactualRow._fields)
        exact = {name: str for name in table.columns if name.endswith("_wad")}
        write_conforming(table.astype(exact), folder, "counterfactual")
        orders = np.arange(5)
        removals = pd.DataFrame(
            {
                "account": np.repeat([3, 4], 5),
                "order": np.tile(orders, 2),
                "closed_of_it": np.repeat([700.0, 300.0], 5),
                "liquidated_notional": 10_000.0,
                # One whose removal lowers by 500 up to 20, one by 50 up to 200.
                "liquidated_notional_without": np.r_[9_480.0 + 10 * orders, 9_750.0 + 100 * orders],
            }
        )
        write_conforming(removals, folder, "removals")
        write_conforming(pd.DataFrame({"block": []}), folder, "formula_failures")

    def causes(self) -> dict[str, Any]:
        """Return what the summary says of causes."""
        other = self.without_impact()
        sums = totals_of(match(self.closes(), other.closes(), block_seconds=self.seconds_per_block))
        whole = sums.notional or 1.0
        return {
            "excess_liquidated_notional": sums.notional - sums.notional_there,
            "excess_share": 1.0 - sums.notional_there / whole,
            "gross_excess_share": sums.excess / whole,
            "avoided_share": sums.avoided / whole,
            "brought_forward_share": sums.forward / whole,
            "brought_forward_seconds": sums.forward_seconds,
            "excess_trader_loss": 1_234.5,
            "excess_bad_debt": 321.0,
            "price_gap_max": 0.043,
        }

    def summary(self, blocks: pd.DataFrame, falls: pd.DataFrame) -> dict[str, Any]:
        """Compute the summary from the tables."""
        last, some = blocks.iloc[-1], len(falls) > 0
        prices = blocks["external_price"]
        return {
            "digest": "5f" * 32,
            "blocks": self.blocks,
            "transactions": 3 * self.blocks + len(falls),
            "reverted": 9,
            "liquidations": len(falls),
            "liquidated_notional": float(falls["notional"].sum()) if some else 0.0,
            **self.causes(),
            "bad_debt": float(last["bad_debt"]),
            "insurance_fund_start": self.fund,
            "insurance_fund_min": float(blocks["insurance_fund"].min()),
            "insurance_fund_end": float(last["insurance_fund"]),
            "fund_depleted": bool(blocks["insurance_fund"].min() <= 0.0),
            "auto_deleveraged_notional": float(last["haircuts"]) * 9,
            "socialized_loss": float(last["socialized_loss"]),
            "margin_calls": int(blocks["margin_calls"].sum()),
            "cured_margin_calls": 3,
            "mean_initial_margin_ratio": float(blocks["mean_initial_margin_ratio"].mean()),
            "mean_maintenance_margin_ratio": float(blocks["mean_maintenance_margin_ratio"].mean()),
            "peak_to_trough_margin": 2.6,
            "max_1h_margin_increase": 0.8,
            "margin_coverage": 0.993,
            "breaches": 12,
            "mean_breach_size": 0.21,
            "liquidator_profit": 18_250.5,
            "oracle_staleness_max_seconds": int(blocks["oracle_age_seconds"].max()),
            "base_fee_max_gwei": float(blocks["base_fee_gwei"].max()),
            "invariants_checked": 17 * self.blocks,
            "invariant_violations": 0,
            "formula_failures": 0,
            "price_start": float(prices.iloc[0]),
            "price_min": float(prices.min()),
            "price_end": float(prices.iloc[-1]),
        }

    def manifest(self, title: str) -> dict[str, Any]:
        """Describe the run as a manifest does."""
        return {
            "title": title,
            "question": "Does the insurance fund survive a fall of a third in a day?",
            "scenario": {
                "seconds_per_block": 12,
                "description": "A toy market made by the test builder, not by the simulator.",
                "markets": [{"name": "ETH-USD"}],
                "chain": {"native_price": 194.0},
            },
            "outside_market": ["Price of ETH-USD: made by the test builder."],
            "shocks": [
                {
                    "label": "demand for block space",
                    "details": "times 3",
                    "description": "Gas demand triples.",
                    "first_block": self.blocks // 3,
                    "end_block": self.blocks // 3 + 90,
                },
                {
                    "label": "outage of oracle reporters",
                    "details": "100 % of them",
                    "description": "Static-fee keepers drop out.",
                    "first_block": self.blocks // 11 * 5,
                    "end_block": self.blocks // 11 * 5 + 1,
                },
            ],
            "scenario_sha256": "ab" * 32,
            "seed": self.seed,
            "engine": "revm",
            "schema_version": SCHEMA_VERSION,
            "digest": "5f" * 32,
            "blocks": self.blocks,
            "versions": {"seawall": "0.1.0", "python": "3.11.2", "numpy": "2.4.6", "vyper": "0.4.3"},
            "contracts": {"PriceOracle": "11" * 32, "Ledger": "22" * 32},
            "gas_profile_sha256": "cd" * 32,
            "gas_profile_is_of_these_contracts": True,
            "worlds": "forced",
            "without_flow_of": [],
            "inputs": {},
            "raised_openings": 0,
            "agents": [],
            "prices": None,
            "overrides": ["protocol.risk_model=static"],
            "assumptions": [
                {
                    "parameter": "markets.impact.depth_per_percent",
                    "value": 2_000_000,
                    "unit": "quote",
                    "source": "assumption",
                },
                {"parameter": "traders.leverage", "value": "lognormal(1.6, 0.55)", "source": "assumption"},
            ],
        }


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Path]:
    """Return a function that simulates a toy market and writes its results folder."""

    def make(folder: Path, *, observed: bool = False, title: str = "Toy crash", **market: Any) -> Path:
        toy = ToyMarket(**market)
        toy.run()
        toy.write(folder, observed=observed, title=title)
        return folder

    return make


@pytest.fixture(scope="session")
def crash_run(make_run: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A crash with bad debt, cascades and observed liquidations, its report written. Not to be changed."""
    folder = make_run(tmp_path_factory.mktemp("runs") / "crash", observed=True, gap=0.4, fund=1_000.0)
    publish(run_findings(folder), folder)
    return folder
