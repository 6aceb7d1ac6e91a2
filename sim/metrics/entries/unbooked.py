"""Metrics of losses that are there but not booked: what accounts still open owe beyond their collateral.

A loss is booked when the account is closed. Until then it is in no total of the protocol, so that a path
which ends in between, or a waterfall that nobody is paid to set going, looks as if there were none.
"""

from __future__ import annotations

from sim.core.units import WAD
from sim.metrics.book import METRICS, WORSE, Metric, Readings, ratio

DUST = 1e-6
"""Loss beyond what the fund can pay, as a share of open interest, up to which a path counts as solvent.

Assumption: rounding of single closes leaves less than a millionth; the smallest loss of interest is larger.
"""


def _open_loss(known: Readings) -> float:
    return known["pending_deficit_end"] + known["negative_equity_end"]


def _all_losses(known: Readings) -> float:
    return known["bad_debt"] + _open_loss(known)


def _beyond_the_fund(known: Readings) -> float:
    """Return the loss beyond what the fund could pay.

    What was taken from winners or liquidity providers was beyond it when it was booked, whatever fees the
    fund received later; what is still open is beyond it as far as its reserves at the end do not cover it.
    """
    passed_on = known["socialized_loss"] + known["auto_deleverage_haircuts"]
    return passed_on + max(_open_loss(known) - known["insurance_fund_end"], 0.0)


METRICS.add(Metric(
    order=39, name="negative_equity_end", label="Unbooked loss, end", unit="quote", kind="amount",
    direction=WORSE, family="severity", section="Losses", markets="all", alarm="warn",
    meaning="What accounts still open after the last block owe beyond their collateral: a loss that nobody "
            "found worth liquidating, and so nobody booked.",
    measure=lambda run: run.valuation.negative_equity(),
))  # fmt: skip
METRICS.add(Metric(
    order=47, name="negative_equity_max", label="Unbooked loss, peak", unit="quote", kind="amount",
    direction=WORSE, family="severity", section="Losses", markets="all",
    meaning="Most that accounts still open owed beyond their collateral at the end of any block.",
    measure=lambda run: run.totals.negative_equity_max,
))  # fmt: skip
METRICS.add(Metric(
    order=50, name="closer_gas_cost", label="Gas of the closer", unit="quote", kind="amount",
    direction=WORSE, family="severity", section="Losses", markets="all",
    meaning="Gas of the protocol's closer, who liquidates what nobody is paid to, at native_price: a cost to "
            "the fund on top of bad debt, not drawn from its reserves. What it received is not netted.",
    measure=lambda run: run.totals.closer_gas_wei / WAD * run.native_price,
))  # fmt: skip
METRICS.add(Metric(
    order=107, name="insolvent", label="Insolvent", unit="1", kind="event", direction=WORSE,
    family="severity", section="Losses", markets="all", shown=("probability",),
    meaning="Whether losses went beyond what the fund can pay by more than a millionth of open interest at "
            "the start: socialised, haircut, or, pending and unbooked together, above its last reserves.",
    derive=lambda known: float(_beyond_the_fund(known) > DUST * known["open_interest_start"]),
))  # fmt: skip
METRICS.add(Metric(
    order=112, name="loss_beyond_collateral", label="Losses beyond collateral", unit="quote", kind="amount",
    direction=WORSE, family="severity", section="Losses", markets="all",
    meaning="Losses beyond accounts' own collateral, booked or not: bad debt, pending deficits, and what "
            "accounts still open owe.",
    derive=_all_losses,
))  # fmt: skip
METRICS.add(Metric(
    order=113, name="loss_beyond_collateral_ratio", label="Loss beyond collateral", unit="1",
    unit_words="of open interest", kind="share", direction=WORSE, family="severity", section="Losses",
    markets="all", shown=("mean",),
    meaning="Losses beyond collateral, booked or not, over open interest at the start.",
    undefined="open interest at the start was zero",
    derive=lambda known: ratio(_all_losses(known), known["open_interest_start"]),
))  # fmt: skip
METRICS.add(Metric(
    order=114, name="unbooked_share", label="Unbooked share", unit="1", unit_words="of losses",
    kind="share", direction=WORSE, family="severity", section="Losses", markets="all",
    meaning="Share of the losses beyond collateral that accounts still open owe at the end; 0 if none.",
    derive=lambda known: ratio(known["negative_equity_end"], _all_losses(known), 0.0),
))  # fmt: skip
