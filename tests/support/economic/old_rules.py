"""Rules that the contracts once had and that cost somebody money: put back in a copy, each must be found."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sim.chain.compile import contracts_root
from sim.core.errors import RunError
from tests.support.economic.history import History
from tests.support.economic.minimise import replay
from tests.support.economic.play import ROUNDING_UNITS, Outcome
from tests.support.economic.search import Search


@dataclass(frozen=True, slots=True, kw_only=True)
class OldRule:
    """One rule, how to put it back, and how the attacker shows what it costs."""

    name: str
    edits: tuple[tuple[str, str, str], ...]
    """File, text, text instead; none while the contracts still have the rule."""
    attacks: tuple[str, ...] | None
    """Known attacks to draw from, all if None: a test has no time for finding the shape itself."""
    histories: int
    """Enough of them; the first that shows it ends the search."""
    broken: str | None = None
    """Rule of the bench that breaks at moving prices; None: it pays at constant ones."""
    seed: int = 1
    assets: bool = False
    """Whether worlds have other collateral, clusters and estimators: where the rule is not about them, a test
    has no time for what they change."""
    given: Mapping[str, float] = field(default_factory=dict)
    """Parameters that are not drawn, by ``struct.name``: without them the rule costs nobody anything."""

    def contracts(self, folder: Path) -> Path | None:
        """Return the contracts with the rule, None for those that ship."""
        if not self.edits:
            return None
        copy = folder / "contracts"
        shutil.copytree(contracts_root(), copy)
        for file, old, new in self.edits:
            source = (copy / file).read_text("utf-8")
            assert source.count(old) == 1, f"{self.name}: {file} must hold the text to replace exactly once"
            (copy / file).write_text(source.replace(old, new), "utf-8")
        return copy

    def shows(self, contracts: Path | None) -> Callable[[History], bool]:
        """Return what tells whether a history shows the rule: here, and not without it."""

        def pays(history: History, where: Path | None) -> bool:
            return replay(history, where, checks=False).best.profit > ROUNDING_UNITS

        def breaks(history: History, where: Path | None) -> bool:
            return any(name == self.broken for name, _, _ in replay(history, where, checks=True).broken)

        shown = pays if self.broken is None else breaks

        def ships(history: History) -> bool:
            try:
                return shown(history, None)
            except RunError:  # contracts that ship refuse such parameters
                return False

        if contracts is None:
            return ships
        return lambda history: shown(history, contracts) and not ships(history)

    def found(self, contracts: Path | None) -> tuple[int, History] | None:
        """Return after how many histories the attacker had one that shows the rule, and that one."""
        search = Search(
            self.seed,
            moving=self.broken is not None,
            contracts=contracts,
            attacks=self.attacks,
            given=self.given,
            plain=not self.assets,
        )
        shows = self.shows(contracts)
        for number, outcome in enumerate(search.run(self.histories), 1):
            history = self._candidate(search, outcome)
            if history is not None and shows(history):
                return number, history
        return None

    def _candidate(self, search: Search, outcome: Outcome) -> History | None:
        if self.broken is None:
            return search.last if outcome.best.profit > ROUNDING_UNITS else None
        return search.last if any(name == self.broken for name, _, _ in outcome.broken) else None


OLD_RULES = (
    OldRule(
        name="a fill clamps the mean of the premium instead of taking the mean of the clamped one",
        edits=(
            (
                "lib/pool_math.vy",
                "    return down * fixed_point._floor_div_signed(down * area, high - low)\n",
                (
                    "    mean: int256 = down * fixed_point._floor_div_signed(\n"
                    "        down * (2 * skew + size_delta) * SIGNED_WAD, 2 * scale\n"
                    "    )\n"
                    "    return min(max(mean, -limit), limit)\n"
                ),
            ),
        ),
        attacks=("steps",),
        histories=60,
    ),
    OldRule(
        name="the initial check ignores what leaving costs: two accounts leave the fund their skew",
        edits=(
            (
                "modules/account_risk.vy",
                "        if kind != MAINTENANCE:\n            pnl -= self._cost_of_exit",
                "        if kind == WITHDRAW:\n            pnl -= self._cost_of_exit",
            ),
            (
                "modules/markets.vy",
                '    assert terms.max_premium <= rest, "markets: ratio below the premium"\n',
                "",
            ),
        ),
        attacks=("pair",),
        histories=40,
        given={"pricing_terms.max_premium": 0.2},
    ),
    OldRule(
        name="a winner that deleveraging leaves in debt has no record, so that withdrawals stay closed",
        edits=(
            (
                "modules/settlement.vy",
                (
                    "    taken: uint256 = min(\n"
                    "        min(order.haircut, share.amount),\n"
                    "        accounts._positive(accounts.collateral[order.account]),\n"
                    "    )\n"
                ),
                "    taken: uint256 = min(order.haircut, share.amount)\n",
            ),
            (
                "modules/settlement.vy",
                (
                    "    settled.deficit = accounts._record_deficit(\n"
                    "        order.account, order.market, order.size_delta < 0\n"
                    "    )\n"
                ),
                (
                    "    if order.cause != constants.CAUSE_DELEVERAGE:\n"
                    "        settled.deficit = accounts._record_deficit(\n"
                    "            order.account, order.market, order.size_delta < 0\n"
                    "        )\n"
                ),
            ),
            (
                "modules/deleveraging.vy",
                "max(min(profit, fixed_point._quantize_down(inputs.equity)), 0), uint256",
                "profit, uint256",
            ),
        ),
        attacks=("starve",),
        histories=60,
        broken="C8r",
        given={
            "risk.upnl_weight": 1.0,
            "risk.upnl_cap": 1_000_000.0,
            "risk.withdraw_margin_ratio": 0.0,
            "registry.funding_coefficient": 5.0,
            "registry.funding_margin_coefficient": 100.0,
            "registry.max_funding_rate_per_hour": 0.001,
        },
    ),
    OldRule(
        name="deleveraging is ranked by leverage and budgeted by size: fresh accounts shield a winner",
        edits=(
            (
                "deleverage_policies/QueuePolicy.vy",
                "liquidation_math._deleverage_score(candidate.profit, candidate.entry_notional)",
                "candidate.notional * 10**18 // convert(max(candidate.equity, 1), uint256) + 1",
            ),
            (
                "deleverage_policies/QueuePolicy.vy",
                "    left: uint256 = deficit\n",
                (
                    "    sizes: uint256 = 1\n"
                    "    for candidate: IDeleveragePolicy.Candidate in candidates:\n"
                    "        sizes += candidate.size\n"
                ),
            ),
            (
                "deleverage_policies/QueuePolicy.vy",
                "        paid: uint256 = min(left, candidate.gain)\n        left -= paid\n",
                "        paid: uint256 = min(deficit * candidate.size // sizes, candidate.gain)\n",
            ),
        ),
        attacks=("shield",),
        histories=80,
        broken="C10p",
    ),
    OldRule(
        name="the riskiest position closes alone, whatever it hedges: without it an account is riskier",
        edits=(
            (
                "modules/liquidation_plans.vy",
                "    if net < 0 or (net == 0 and self._is_before(hedge, first)):\n",
                "    if self._is_before(hedge, first):\n",
            ),
            (
                "modules/liquidation_plans.vy",
                "self._wanted(inputs, convert(abs(net), uint256), first, hedge)",
                "self._wanted(inputs, 10**50, first, hedge)",
            ),
        ),
        attacks=("hedge",),
        histories=80,
        broken="C3h",
    ),
    OldRule(
        name="stake costs what the fund has, whatever liens bring back: who repays one to itself earns it",
        edits=(
            (
                "modules/fund_vault.vy",
                "    return self._total_assets() + (liens + constants.QUANTUM - 1) // constants.QUANTUM\n",
                "    return self._total_assets()\n",
            ),
        ),
        attacks=("behind_lien",),
        histories=60,
        assets=True,
    ),
)
