"""What happens to each way out when one thing is broken: the table, in words, and the world it is tried in.

`tests/unit/contracts/test_exits.py` tries every cell; `scripts/update_exits.py` writes `docs/exits.md`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import boa

from sim.reference import portfolio_math
from sim.reference.fixed_point import WAD
from tests.support.collateral import ASSET_PRICE, Asset
from tests.support.deployers import deploy, harness
from tests.support.protocol import NOBODY, START_PRICE, START_VARIANCE, Protocol, id_of, units
from tests.support.risk_parameters import PORTFOLIO, STATIC
from tests.support.volatility_driver import ESTIMATOR

ACTIONS: Final[Mapping[str, str]] = {
    "reduce": "A solvent account closes part of its position in the market concerned.",
    "repay": "Somebody repays what an account without a position owes.",
    "deposit": "An account with a position adds collateral.",
    "liquidate": "Anybody liquidates an account below its maintenance margin.",
    "LP exit": "A provider whose wait in the pool's queue is over takes its money.",
    "staker exit": "A backer whose cool-down in the fund is over takes its money.",
    "owner's repair": "The owner points the market at another formula, the risk engine at another portfolio"
    " model, and changes the registry's parameters.",
    "asset in": "An account with a position adds another asset as collateral.",
    "asset out": "An account without a position takes its asset out.",
    "asset sold": "Anybody sells the asset of an account that owes what it lost.",
}
"""Way out -> what is tried."""

FAULTS: Final[Mapping[str, str]] = {
    "formula reverts": "The market's formula reverts.",
    "out of range": "The market's formula answers twice the notional.",
    "endless": "The market's formula does not end.",
    "portfolio reverts": "The portfolio model reverts; who acts is in portfolio mode and holds a hedge.",
    "portfolio endless": "The portfolio model does not end; who acts is in portfolio mode and holds a hedge.",
    "choice forgotten": "The market's formula asks by the variance that the volatility oracle has chosen, and"
    " nobody has updated that until it was forgotten.",
    "drawer gone": "The fund's owner has unregistered the ledger: the fund neither pays nor takes.",
    "fund empty": "The fund has nothing.",
    "pool assets zero": "The traders' gains are above what the pool has.",
    "oracle stale": "No source has reported for longer than its heartbeat.",
    "too volatile": "All sources report a tenth of the price.",
    "paused": "The desk is paused.",
    "market delisted": "The owner has set the market's open-interest cap to zero.",
    "asset silent": "No source has reported the asset's price for longer than its heartbeat.",
    "asset's pool empty": "The spot pool of the asset has no liquidity.",
    "asset's token stopped": "The asset's token moves for nobody.",
    "asset delisted": "The owner has set the asset's cap to zero.",
}
"""What is broken -> how."""

HEDGED: Final = ("portfolio reverts", "portfolio endless")
"""Faults that concern accounts in portfolio mode alone: they are who acts."""

MODE_PORTFOLIO: Final = 2
CORRELATIONS: Final = tuple(
    9 * WAD // 10 if pair == portfolio_math.pair(0, 1) else 0 for pair in range(portfolio_math.PAIRS)
)
CHOSEN_VARIANCE: Final = 4 * START_VARIANCE
FORGOTTEN_SECONDS: Final = 1_800
VARIANCE_FORMULA: Final = (4 * WAD, 14_400, 3_600, 2 * WAD // 100, WAD // 100, 0)
"""Of `VolatilityRiskModel`: four deviations of four hours and of one; at rest what carries the premium."""

AS_EVER: Final = "as ever"
"""What a cell says when nothing is different."""

OTHERS: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("reduce", "formula reverts"): ("done", "as ever; funding goes on at the last good ratios"),
    ("reduce", "out of range"): ("done", "as ever; funding goes on at the last good ratios"),
    ("reduce", "endless"): ("done", "as ever; the formula is given 150,000 gas"),
    ("reduce", "portfolio endless"): ("done", "as ever; the model is not asked"),
    ("reduce", "choice forgotten"): ("done", "as ever; the price oracle's own variances stand again"),
    ("reduce", "drawer gone"): ("done", "as ever; the fund's share of the fee stays with the pool"),
    ("reduce", "pool assets zero"): (
        "done", "what the reserves hold is paid, the fund pays on, the rest of a gain is lost (`GainUnpaid`)",
    ),
    ("reduce", "oracle stale"): (
        "done", "at the worst side of the last good price and how far it may have moved since",
    ),
    ("reduce", "too volatile"): ("done", "at the worst side of the last good price and the new one"),
    ("liquidate", "formula reverts"): (
        "done", "as ever, if equity is below min(base, max(ramped, entry)) at the last good base ratio",
    ),
    ("liquidate", "out of range"): (
        "done", "as ever, if equity is below min(base, max(ramped, entry)) at the last good base ratio",
    ),
    ("liquidate", "endless"): (
        "done", "as ever, if equity is below min(base, max(ramped, entry)) at the last good base ratio",
    ),
    ("liquidate", "portfolio reverts"): (
        "done", "as ever, if equity is below the least that a portfolio model may ask",
    ),
    ("liquidate", "portfolio endless"): (
        "done", "as ever, if equity is below the least that a portfolio model may ask",
    ),
    ("liquidate", "choice forgotten"): (
        "done", "as ever, if equity is below what the formula asks at the price oracle's own variances",
    ),
    ("liquidate", "drawer gone"): ("done", "as ever; the fee's rest stays with the pool, no tip, no cover"),
    ("liquidate", "fund empty"): ("done", "as ever; no tip, a deficit pends for deleveraging"),
    ("liquidate", "oracle stale"): (
        "liquidation: price not valid", "waits for a price: nobody is closed at one nobody stands for",
    ),
    ("liquidate", "too volatile"): (
        "liquidation: price not valid", "waits for a price: nobody is closed at one nobody stands for",
    ),
    ("LP exit", "pool assets zero"): ("0", "nothing is claimable: the money is the traders'; it stays"),
    ("LP exit", "oracle stale"): (
        "0", "waits for half of the window; then at the worse of index and average price",
    ),
    ("LP exit", "too volatile"): (
        "0", "waits for half of the window; then at the worse of index and average price",
    ),
    ("staker exit", "fund empty"): ("0", "there is nothing to take"),
    ("asset in", "asset silent"): ("done", "comes in; counts for nothing until its price is good"),
    ("asset in", "oracle stale"): ("done", "comes in; counts for nothing until its price is good"),
    ("asset in", "asset's token stopped"): ("odd: stopped", "waits for the token; quote comes in as ever"),
    ("asset in", "asset delisted"): (
        "collateral_balances: deposit cap", "refused: it is no collateral any more; quote comes in as ever",
    ),
    ("asset out", "drawer gone"): ("trading: deficit pending", "waits like quote for the deficit's end"),
    ("asset out", "fund empty"): ("trading: deficit pending", "waits like quote for the deficit's end"),
    ("asset out", "asset's token stopped"): ("odd: stopped", "waits for the token"),
    ("asset sold", "oracle stale"): (
        "forced_sales: nothing can be sold now", "waits for a price; the fund pays meanwhile, against a lien",
    ),
    ("asset sold", "asset silent"): (
        "forced_sales: nothing can be sold now", "waits for a price; the fund pays meanwhile, against a lien",
    ),
    ("asset sold", "asset's pool empty"): (
        "forced_sales: nothing can be sold now", "waits; after the asset's window others pay, against a lien",
    ),
    ("asset sold", "asset's token stopped"): (
        "forced_sales: nothing can be sold now", "waits; after the asset's window others pay, against a lien",
    ),
}  # fmt: skip
"""Cells in which something is different: (way out, fault) -> (outcome, words)."""


def cell(action: str, fault: str) -> tuple[str, str]:
    """Return the outcome of a cell and its words."""
    return OTHERS.get((action, fault), ("done", AS_EVER))


class World:
    """A protocol in which every way out is open: nothing is broken yet."""

    def __init__(self) -> None:
        self.formula = harness("SwitchableRiskModel")
        self.protocol = protocol = Protocol(
            markets=2,
            risk_model=self.formula,
            margin={"trade_fee_rate": WAD // 2_000},
            liquidation={"min_bounty": 5 * WAD},
            pool=1_000_000,
            fund=0,
            fund_target=100_000,
            estimators=True,
        )
        protocol.set_ratios(*STATIC[:2], market=1)
        self.portfolio_model = harness("SwitchablePortfolioModel", self._portfolio_model().address)
        protocol.risk.set_portfolio_model(self.portfolio_model.address, sender=protocol.owner)
        self.debtor = protocol.account("debtor", 1_100)
        self.trader = protocol.account("trader", 100_000)
        self.winner = protocol.account("winner", 900_000)
        self.token = harness("OddToken", 18)
        self.asset = Asset(protocol, token=self.token, heartbeat_seconds=900)
        self.holder, self.pledger = protocol.account("holder"), protocol.account("pledger", 1_100)
        for account in (self.holder, self.pledger):
            self.asset.deposit(account, 5 * self.asset.unit)
        for account in (self.debtor, self.pledger):
            protocol.increase(account, 10 * WAD)
        protocol.set_price(1_880 * WAD)
        self.asset.set_price(ASSET_PRICE, wait=0)
        for account in (self.debtor, self.pledger):
            protocol.decrease(account)  # owes about a hundred, and there is no fund to pay it
        protocol.supply(protocol.fund, protocol.fund_backer, 50_000)
        protocol.set_price(START_PRICE)
        for vault, provider in (
            (protocol.fund, protocol.fund_backer),
            (protocol.pool, protocol.liquidity_provider),
        ):
            protocol.request(vault, provider, vault.balanceOf(provider) // 2)
            protocol.wait(max(vault.exit_request(provider).ready_at - boa.env.timestamp - 600, 0))
        protocol.set_price(START_PRICE, wait=60)
        protocol.set_price(START_PRICE, market=1, wait=0)
        protocol.increase(self.trader, 10 * WAD)
        protocol.increase(self.winner, 300 * WAD)
        self.weak = protocol.account("weak", 1_100)
        protocol.increase(self.weak, 10 * WAD)
        self.hedger, self.weak_hedge = self._hedge("hedger", 100_000), self._hedge("weak hedge", 1_100)
        protocol.set_price(1_930 * WAD, wait=600)
        protocol.set_price(START_PRICE, market=1, wait=0)
        self.asset.set_price(ASSET_PRICE, wait=0)

    def _hedge(self, name: str, quote: int) -> str:
        """Return an account in portfolio mode, long the first market and short the second."""
        account = self.protocol.account(name, quote)
        self.protocol.desk.set_mode(0, MODE_PORTFOLIO, sender=account)
        for market, size in enumerate((10 * WAD, -10 * WAD)):
            self.protocol.increase(account, size, market=market)
        return account

    def _portfolio_model(self) -> Any:
        words = tuple(PORTFOLIO.values())
        return deploy("PortfolioRiskModel", self.protocol.owner, NOBODY, CORRELATIONS, words)

    # What is broken

    def breaks(self, fault: str) -> None:
        """Break one thing."""
        protocol, owner = self.protocol, self.protocol.owner
        if fault in ("formula reverts", "out of range", "endless"):
            self.formula.set_fault(list(FAULTS).index(fault) + 1, 0)
        elif fault in HEDGED:
            self.portfolio_model.set_fault(HEDGED.index(fault) + 1)
        elif fault == "choice forgotten":
            self._choose()
            protocol.wait(FORGOTTEN_SECONDS + 1)
            protocol.report_again()
            self.asset.set_price(ASSET_PRICE, wait=0)
            assert protocol.volatility.variances(0).chosen == 0
        elif fault == "drawer gone":
            protocol.fund.set_drawer(protocol.ledger.address, False, sender=owner)
        elif fault == "fund empty":
            protocol.ledger.set_operator(owner, True, sender=owner)
            protocol.fund.set_drawer(owner, True, sender=owner)
            protocol.fund.draw(protocol.fund.reserves(), owner, sender=owner)
        elif fault == "pool assets zero":
            self.weak_short()
            protocol.set_price(8_000 * WAD, wait=60)
        elif fault == "oracle stale":
            # Asked for anew, so that the provider's window is open when the price has become stale.
            late = protocol.pool.parameters().queue_seconds + 600
            protocol.wait(86_400 + 1 - late)
            shares = protocol.pool.exit_request(protocol.liquidity_provider).shares
            protocol.request(protocol.pool, protocol.liquidity_provider, shares)
            protocol.wait(late)
            assert protocol.pool.exit_request(protocol.liquidity_provider).ready_at <= boa.env.timestamp
        elif fault == "too volatile":
            protocol.set_price(193 * WAD, wait=60)
        elif fault == "paused":
            protocol.desk.pause(sender=owner)
        elif fault == "market delisted":
            protocol.registry.set_market(0, self.formula.address, 0, sender=owner)
        elif fault == "asset silent":
            protocol.wait(900 + 1)
            protocol.set_price(1_930 * WAD, wait=0)
        elif fault == "asset's pool empty":
            reserves = self.asset.pool.reserves()
            self.asset.pool.remove_liquidity(*reserves, owner, sender=owner)
        elif fault == "asset's token stopped":
            self.token.stop(True)
        elif fault == "asset delisted":
            self.asset.change(deposit_cap=0)
        else:
            raise KeyError(fault)

    def _choose(self) -> None:
        """Let the volatility oracle choose a variance, and the market's formula ask by it."""
        protocol, volatility = self.protocol, self.protocol.volatility
        speaker = protocol.reporters[0]
        words = ESTIMATOR | {"implied_weight": WAD, "expiry_seconds": FORGOTTEN_SECONDS}
        model = deploy("risk_models/VolatilityRiskModel", protocol.owner, VARIANCE_FORMULA)
        cap = protocol.registry.market_info(0).open_interest_cap
        with boa.env.prank(protocol.owner):
            volatility.add_market(START_VARIANCE, speaker)
            volatility.set_estimator(0, tuple(words.values()))
            protocol.registry.set_market(0, model.address, cap)
        volatility.report_implied(0, CHOSEN_VARIANCE, sender=speaker)
        protocol.wait(12)  # a choice moves with time
        volatility.update(0)
        assert protocol.registry.market_snapshot(0).variance_fast == CHOSEN_VARIANCE

    def weak_short(self) -> None:
        """Give the account that is liquidated a short that a rise of the price ruins."""
        self.protocol.decrease(self.weak)
        self.protocol.deposit(self.weak, units(2_000))
        self.protocol.increase(self.weak, -10 * WAD)

    # What is tried

    def tries(self, action: str, *, hedged: bool = False) -> str:
        """Try a way out; return ``done``, what was taken if it is nothing, or why it was refused.

        Parameters
        ----------
        hedged
            Whether who acts is in portfolio mode.
        """
        trader, weak = (self.hedger, self.weak_hedge) if hedged else (self.trader, self.weak)
        try:
            if hedged:
                for account in (self.debtor, self.holder, self.pledger):
                    self.protocol.desk.set_mode(0, MODE_PORTFOLIO, sender=account)
            return self._actions(trader, weak)[action]()
        except boa.BoaError as error:
            return _reason(error)

    def _actions(self, trader: str, weak: str) -> Mapping[str, Callable[[], str]]:
        return {
            "reduce": lambda: self._reduce(trader),
            "repay": self._repay,
            "deposit": lambda: self._deposit(trader),
            "liquidate": lambda: self._liquidate(weak),
            "LP exit": lambda: self._leave(self.protocol.pool, self.protocol.liquidity_provider),
            "staker exit": lambda: self._leave(self.protocol.fund, self.protocol.fund_backer),
            "owner's repair": self._repair,
            "asset in": lambda: self._asset_in(trader),
            "asset out": self._asset_out,
            "asset sold": self._asset_sold,
        }

    def _reduce(self, trader: str) -> str:
        self.protocol.decrease(trader, 5 * WAD)
        assert self.protocol.position(trader).size == 5 * WAD
        return "done"

    def _repay(self) -> str:
        before = self.protocol.collateral(self.debtor)
        assert before < 0
        self.protocol.deposit(self.debtor, units(10), payer=self.protocol.liquidator)
        assert self.protocol.collateral(self.debtor) == before + 10 * WAD
        return "done"

    def _deposit(self, trader: str) -> str:
        before = self.protocol.collateral(trader)
        self.protocol.deposit(trader, units(10))
        assert self.protocol.collateral(trader) == before + 10 * WAD
        return "done"

    def _liquidate(self, weak: str) -> str:
        before = abs(self.protocol.position(weak).size)
        self.protocol.liquidate(weak)
        assert abs(self.protocol.position(weak).size) < before
        return "done"

    def _leave(self, vault: Any, provider: str) -> str:
        shares = vault.maxRedeem(provider)
        if shares == 0:
            return "0"
        taken = vault.redeem(shares, provider, provider, sender=provider)
        return "done" if taken else "0"

    def _asset_in(self, trader: str) -> str:
        self.asset.deposit(trader, self.asset.unit)
        assert self.asset.balance(trader) == self.asset.unit
        return "done"

    def _asset_out(self) -> str:
        self.asset.withdraw(self.holder, 5 * self.asset.unit)
        assert self.token.balanceOf(self.holder) == 5 * self.asset.unit
        return "done"

    def _asset_sold(self) -> str:
        before = self.protocol.collateral(self.pledger)
        assert before < 0
        self.protocol.waterfall.sell_collateral(id_of(self.pledger), sender=self.protocol.liquidator)
        assert self.protocol.collateral(self.pledger) >= 0
        return "done"

    def _repair(self) -> str:
        protocol = self.protocol
        model = deploy("risk_models/StaticRiskModel", protocol.owner, STATIC)
        protocol.registry.set_market(0, model.address, 10**6 * WAD, sender=protocol.owner)
        protocol.set_margin(min_position_notional=99 * WAD)
        assert protocol.registry.market_info(0).risk_model == model.address
        portfolio_model = self._portfolio_model().address
        protocol.risk.set_portfolio_model(portfolio_model, sender=protocol.owner)
        assert protocol.risk.portfolio_model() == portfolio_model
        return "done"


def _reason(error: boa.BoaError) -> str:
    """Return the reason of a revert, which titanoboa prints on a line of its own."""
    found = re.search(r"^([a-z_0-9]+: .+)$", str(error), re.MULTILINE)
    return found[1] if found else str(error)


def page() -> str:
    """Return docs/exits.md."""
    lines = [
        "# Ways out",
        "",
        "What happens to each way out when one thing is broken, written by `scripts/update_exits.py` from",
        "the words in `tests/support/exit_table.py`; `tests/unit/contracts/test_exits.py` tries every cell.",
        "*As ever* means that nothing is different.",
        "",
        "| broken | how |",
        "|---|---|",
        *(f"| {fault} | {how} |" for fault, how in FAULTS.items()),
        "",
    ]
    for action, meaning in ACTIONS.items():
        lines += [
            f"## {action[0].upper()}{action[1:]}",
            "",
            meaning,
            "",
            "| broken | what happens |",
            "|---|---|",
        ]
        lines += [f"| {fault} | {cell(action, fault)[1]} |" for fault in FAULTS]
        lines.append("")
    return "\n".join([*lines, RULES])


RULES: Final = """\
## What stands behind it

- **A formula** has 150,000 gas for each question. If it reverts, answers out of range or does not end,
  `FormulaFailed` names it at every touch of its market, and what adds risk is refused (`formulas: no good
  answer`): opening and adding in that market, and for an account with a position there opening and adding
  anywhere and taking collateral out. For all else bounds take the place of its answer. *Initial*: the
  whole notional, the most it may ask, so that no account is taken to have room that its size would not
  get. *Maintenance*: the last good ratio of a position without size, the least it may ask of any; through
  ramp and entry a position must hold `min(base, max(ramped, entry))`, not above what was asked of it when
  the formula last answered. So liquidations may use the last good ratios, in the account's favour alone:
  silence liquidates nobody, and who is below even that does not escape. It takes formulas to ask no less
  of a larger position. In a run the failure is a finding, exit code 1
  ([formulas](formulas.md#when-it-fails-in-a-run)).
- **Replacing a formula** does not ask the old one: funding since the last touch accrues at the ratios that
  it gave then.
- **A portfolio model** has 500,000 gas, and is asked of accounts in portfolio mode alone. If it reverts,
  answers in part or does not end, such an account with a position neither adds risk nor takes collateral
  out (`portfolio_formula: no good answer`). For all else the least bound takes the place of its answer: a
  tenth of the sum of what the positions must hold alone, or what leaving all of them costs at the largest
  premiums if that is more. No answer of any model may be below it, so that here too silence liquidates
  nobody. The owner names another one without asking the old ([portfolio margin](portfolio.md)).
- **The volatility oracle** is asked at every touch of a market, without a bound of gas and of what it may
  do, as price oracle, pool and ledger are. It is fixed when the registry is deployed, `variances` calls
  nobody and only shifts and masks three words of its own: no state that it can reach makes it revert, so
  that there is no row of that. What can fail is who updates it. Then a choice is forgotten, and the price
  oracle's own variances stand again: if they are the larger ones, maintenance rises along the ramp, if the
  smaller ones, it falls at once ([estimators](estimators.md)).
- **A bad price** (worse than the oracle's `settle_status`) settles a reduction at the worst side of the
  last good price, the new one and, while nothing is heard, how far the limiter would let it move
  (`PriceOracle.settlement_prices`). Whether a remainder is dust is judged at the higher end, so that a
  price in the wrong unit closes no more than was asked. What would leave a debt there waits for a good
  price or for more collateral: who owns the pool would else take it from the fund.
- **Other assets** are a debtor's own: they are sold before fund, winners and pool pay, for the window of
  each. Nothing is sold at a price nobody stands for or further below the price that margin counts than the
  band. What others pay of the debt of an account that still has assets is a lien on them: they go out when
  it is repaid, and their proceeds repay it
  ([decision 19](decisions/0019-collateral-of-several-assets.md)).
- **The fund's drawer** is what its owner unregisters to stop payments. Fees that would go to the fund then
  stay with the pool, which bears what the fund would; nothing is drawn, no tip is paid, a deficit pends
  until it is deleveraged or written off, and until then collateral stays in.
"""
