"""What accounts of every mode require, against exact fractions that know nothing of the contracts.

``scripts/update_portfolios.py`` made the file. Each account is judged with just what it requires, and with a
wei less and a wei more, in each of the three checks.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.chain.abi import ContractAbi
from sim.chain.chain import Chain
from sim.chain.compile import compile_contract, contracts_root
from sim.chain.transaction import Transaction
from sim.core.units import WAD

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = json.loads((ROOT / "tests" / "golden" / "portfolios.json").read_text(encoding="utf-8"))
OWNER = "0x" + "11" * 20
MODES = ("cross", "isolated", "portfolio")
KINDS = ("maintenance", "initial", "withdraw")
OFFSETS = (-1, 0, 1)


class Judge:
    """The risk engine between stand-ins, on a chain of its own."""

    def __init__(self) -> None:
        self.chain = Chain.create("native", 1_600_000_000)
        self.chain.start_block(1, 1_600_000_012)
        stand_in = compile_contract(ROOT / "tests" / "harnesses" / "StandInMarkets.vy", search_root=ROOT)
        engine = compile_contract(contracts_root() / "RiskEngine.vy")
        model = compile_contract(contracts_root() / "PortfolioRiskModel.vy")
        self.abi, self.engine_abi = ContractAbi(stand_in.abi), ContractAbi(engine.abi)
        check_initial = self.engine_abi["check_initial"]
        self.selector = check_initial.selector
        self.words = [str(word["name"]) for word in check_initial.inputs[2]["components"]]
        self.stand_in = self.chain.deploy(stand_in, b"", OWNER)
        risk = tuple(GOLDEN["risk"][name] for name in ("upnl_weight", "upnl_cap", "withdraw_margin_ratio"))
        self.engine = self.chain.deploy(
            engine, self.engine_abi.constructor.encode(OWNER, *[self.stand_in] * 5, (*risk, 0, 0, WAD)), OWNER
        )
        made = self.chain.deploy(
            model,
            ContractAbi(model.abi).constructor.encode(
                OWNER, self.stand_in, GOLDEN["correlations"], tuple(GOLDEN["model"].values())
            ),
            OWNER,
        )
        self._send(self.engine, self.engine_abi["set_portfolio_model"].encode(made))

    def _send(self, to: str, data: bytes) -> bytes:
        receipt = self.chain.execute(Transaction(sender=OWNER, to=to, data=data))
        assert receipt.status, receipt.revert_reason
        return receipt.output

    def probe(self, portfolio) -> list[int]:
        """Return what the stand-in found with nine collaterals, three around each requirement."""
        sizes, entries, fills, premiums = ([0] * 8 for _ in range(4))
        snapshots = [dict.fromkeys(self.words, 0) for _ in range(8)]
        for number, market in portfolio["markets"].items():
            m = int(number)
            sizes[m], entries[m] = market["size"], market["entry"]
            fills[m], premiums[m] = market["fill"], market["max_premium"]
            snapshots[m] |= {
                "index_price": market["index"],
                "risk_price": market["risk"],
                "ema_price": market["average"],
                "confidence": market["confidence"],
                "open_interest": market["ratio"],
                "depth": market["slope"],
                "initial_ratio": market["ratio"],
                "maintenance_ratio": market["ratio"] * market["kept"] // WAD,
                "ramped_maintenance_ratio": market["ratio"] * market["kept"] // WAD,
                "variance_slow": market["kept"],
            }
        collaterals = [
            portfolio["without_collateral"][kind]["passes_from"] + offset
            for kind in KINDS
            for offset in OFFSETS
        ]
        data = self.abi["probe"].encode(
            self.engine,
            self.selector,
            MODES.index(portfolio["mode"]),
            sizes,
            entries,
            [tuple(snapshot[name] for name in self.words) for snapshot in snapshots],
            fills,
            premiums,
            portfolio["estimated"],
            collaterals,
        )
        return list(self.abi["probe"].decode(self._send(self.stand_in, data)))


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


@pytest.mark.parametrize("portfolio", GOLDEN["portfolios"], ids=lambda portfolio: portfolio["name"])
def test_an_account_passes_with_what_it_requires_and_not_with_a_wei_less(judge, portfolio):
    found = judge.probe(portfolio)
    maintenance = portfolio["without_collateral"]["maintenance"]
    assert found[0] == maintenance["requirement"]
    equity = found[10] - 2**256 if found[10] >= 2**255 else found[10]
    assert equity == maintenance["requirement"] - 1  # of the first collateral, a wei short
    assert found[1:10] == [0, 1, 1] * 3


def test_there_are_enough_of_every_mode_and_offsets_matter():
    rows = GOLDEN["portfolios"]
    assert len(rows) >= 150
    assert {row["mode"] for row in rows} == set(MODES)
    assert len({row["estimated"] for row in rows}) >= 5
    hedged = [
        row
        for row in rows
        if row["mode"] == "portfolio" and len({market["size"] > 0 for market in row["markets"].values()}) == 2
    ]
    lowered = 0
    for row in hedged:
        for kind in ("maintenance", "initial"):
            alone = 0
            for market in row["markets"].values():
                price = market["risk"]
                if kind == "initial":
                    worse = min if market["size"] > 0 else max
                    price = worse(price, market["index"])
                notional = -(-abs(market["size"]) * price // WAD)
                ratio = market["ratio"] + notional * market["slope"] // WAD
                ratio = ratio if kind == "initial" else ratio * market["kept"] // WAD
                alone += -(-notional * ratio // WAD)
            requirement = row["without_collateral"][kind]["requirement"]
            assert alone // 10 <= requirement <= alone
            lowered += requirement < alone
    assert len(hedged) >= 50
    kept = [
        without["passes_from"] > without["requirement"] - without["equity"]
        for row in hedged
        for without in [row["without_collateral"]["initial"]]
    ]
    assert sum(kept) >= 3
    assert lowered > len(hedged)
