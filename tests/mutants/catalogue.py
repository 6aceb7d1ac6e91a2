"""One fault for each invariant: a source file of the contracts, the text to replace, and the text instead."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A one-line fault in a copy of the contracts."""

    invariant: str
    """Identifier that must report it."""
    fault: str
    """What the protocol does wrong, in words."""
    file: str
    old: str
    new: str
    overrides: tuple[str, ...] = ()
    """Changes of the small scenario that make the fault happen."""


# A fall that leaves liquidated accounts enough to pay a fee, and a fund that has something to pay a tip from.
MILD = ("shocks.0.size=-0.06",)
TIPS = (*MILD, "protocol.insurance_fund.deposit=100_000.0", "protocol.liquidation.min_bounty=100.0")

MUTANTS = (
    Mutant(
        invariant="A1",
        fault="books twice the protocol's share of a fee",
        file="modules/settlement.vy",
        old="    accounts.sums.accrued_fees += out.to_protocol\n",
        new="    accounts.sums.accrued_fees += 2 * out.to_protocol\n",
    ),
    Mutant(
        invariant="A1v",
        fault="a vault pays out and keeps the amount in its books",
        file="modules/erc4626_vault.vy",
        old="    self.reserves -= amount\n",
        new="    self.reserves -= 0\n",
    ),
    Mutant(
        invariant="A1t",
        fault="a vault books half of what it receives",
        file="modules/erc4626_vault.vy",
        old="    self.reserves += amount\n",
        new="    self.reserves += amount // (2 * constants.QUANTUM) * constants.QUANTUM\n",
    ),
    Mutant(
        invariant="A1c",
        fault="a repaid debt stays in the sum of debts",
        file="modules/accounts.vy",
        old="    self.sums.total_debt = self.sums.total_debt + debt - debt_before\n",
        new="    self.sums.total_debt = self.sums.total_debt + debt\n",
    ),
    Mutant(
        invariant="A2",
        fault="the pool takes one wei less than the traders give",
        file="modules/market_making.vy",
        old="    position: int256 = self.position[market] - size_delta\n",
        new="    position: int256 = self.position[market] - size_delta + 1\n",
    ),
    Mutant(
        invariant="A2o",
        fault="short open interest never falls",
        file="modules/accounts.vy",
        old="        info.short_open_interest + self._negative(new.size) - self._negative(old.size)\n",
        new="        info.short_open_interest + self._negative(new.size)\n",
    ),
    Mutant(
        invariant="A2s",
        fault="a fill declares another size than it traded",
        file="modules/settlement.vy",
        old="        size_delta=order.size_delta,\n        fill_price",
        new="        size_delta=order.size_delta // 2,\n        fill_price",
    ),
    Mutant(
        invariant="A3",
        fault="the sum of entry notionals forgets what was there before",
        file="modules/accounts.vy",
        old="    info.net_entry_notional += new.entry_notional - old.entry_notional\n",
        new="    info.net_entry_notional += new.entry_notional\n",
    ),
    Mutant(
        invariant="B5",
        fault="the ramp overshoots the ratio it leads to",
        file="lib/ramp_math.vy",
        old="    return min(target, previous + growth)\n",
        new="    return target + growth\n",
    ),
    Mutant(
        invariant="C4",
        fault="the event gives the fund the whole fee",
        file="modules/liquidation.vy",
        old="        insurance_fee=settled.fee - settled.bounty,\n",
        new="        insurance_fee=settled.fee,\n",
        overrides=MILD,
    ),
    Mutant(
        invariant="C4",
        fault="the fund really gets the whole fee, the bounty comes from the pool",
        file="modules/settlement.vy",
        old="        payout.to_fund = settled.fee - payout.bounty\n",
        new="        payout.to_fund = settled.fee\n",
        overrides=MILD,
    ),
    Mutant(
        invariant="C4",
        fault="the pool keeps the bounty",
        file="modules/settlement.vy",
        old=(
            "        payout.bounty = min(order.bounty, settled.fee)\n"
            "        payout.to_fund = settled.fee - payout.bounty\n"
        ),
        new="        payout.to_fund = settled.fee - min(order.bounty, settled.fee)\n",
        overrides=MILD,
    ),
    Mutant(
        invariant="C6",
        fault="tips leave the fund unrecorded",
        file="modules/bookings.vy",
        old="    accounts.sums.tips += paid\n",
        new="    accounts.sums.tips += 0\n",
        overrides=TIPS,
    ),
    Mutant(
        invariant="C7",
        fault="haircuts are bad debt that nobody bears",
        file="modules/settlement.vy",
        old="    accounts.sums.haircuts += amount\n",
        new="    accounts.sums.haircuts += 0\n",
    ),
    Mutant(
        invariant="C7",
        fault="a covered deficit is booked as bad debt twice",
        file="modules/bookings.vy",
        old="        accounts.sums.bad_debt += paid\n",
        new="        accounts.sums.bad_debt += 2 * paid\n",
    ),
    Mutant(
        invariant="C8",
        fault="a deficit stays pending after it was resolved",
        file="modules/accounts.vy",
        old="        self.sums.pending_deficit = self.sums.pending_deficit + debt - debt_before\n",
        new="        self.sums.pending_deficit = self.sums.pending_deficit + debt\n",
    ),
    Mutant(
        invariant="C9",
        fault="the count of liquidations falls with every block",
        file="modules/liquidation.vy",
        old="    self.liquidations += 1\n",
        # Of two blocks that liquidate, however many accounts each: a count modulo two hung on their parity.
        new="    self.liquidations = 10**18 - block.number\n",
    ),
    Mutant(
        invariant="J1",
        fault="events state no funding index, so nobody else can value a position",
        file="modules/settlement.vy",
        old="        funding_index=stored.funding_index,\n",
        new="        funding_index=0,\n",
    ),
)
"""Found by an ordinary run of the small scenario."""

SCRIPTED = (
    Mutant(
        invariant="B1",
        fault="risk may be added and collateral withdrawn without margin",
        file="modules/margin_checks.vy",
        old="found.equity >= convert(found.requirement, int256)",
        new="found.equity >= 0",
    ),
    Mutant(
        invariant="C1",
        fault="accounts with twice the requirement may be liquidated",
        file="modules/liquidation_plans.vy",
        old="    if inputs.equity >= convert(inputs.maintenance_requirement, int256):\n",
        new="    if inputs.equity >= 2 * convert(inputs.maintenance_requirement, int256):\n",
    ),
)
"""Found when somebody tries: no agent of ours asks for what it knows to be refused."""
