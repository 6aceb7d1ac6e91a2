"""Metrics of the accounts as block 0 finds them, and of the capital that is added to hold them up."""

from sim.core.units import WAD
from sim.metrics.book import METRICS, NEUTRAL, WORSE, Metric

METRICS.add(Metric(
    order=80, name="start_liquidatable_accounts", label="Liquidatable at once", unit="accounts", kind="count",
    direction=WORSE, family="other", section="Margin", markets="all",
    meaning="Accounts that stand below maintenance, as the ramp asks for it, before the first block.",
    measure=lambda run: run.start.liquidatable.accounts,
))  # fmt: skip
METRICS.add(Metric(
    order=81, name="start_liquidatable_notional", label="Liquidatable at once, notional", unit="quote",
    kind="amount", direction=WORSE, family="other", section="Margin", markets="all",
    meaning="Notional of the accounts that stand below maintenance before the first block.",
    measure=lambda run: run.start.liquidatable.notional,
))  # fmt: skip
METRICS.add(Metric(
    order=82, name="start_short_accounts", label="Below maintenance after the ramp", unit="accounts",
    kind="count", direction=WORSE, family="other", section="Margin", markets="all",
    meaning="Accounts that stood below maintenance at the prices and with the collateral before the first "
    "block, had the ramp let everything through.",
    measure=lambda run: run.start.after_ramp.accounts,
))  # fmt: skip
METRICS.add(Metric(
    order=83, name="start_short_notional", label="Notional below, after the ramp", unit="quote",
    kind="amount", direction=WORSE, family="other", section="Margin", markets="all",
    meaning="Notional of the accounts that stood below maintenance before the first block, had the ramp let "
    "everything through.",
    measure=lambda run: run.start.after_ramp.notional,
))  # fmt: skip
METRICS.add(Metric(
    order=84, name="start_below_initial_accounts", label="Below initial margin at the start",
    unit="accounts", kind="count", direction=NEUTRAL, family="other", section="Margin", markets="all",
    meaning="Accounts below initial margin before the first block: they can add to no position and withdraw "
    "nothing.",
    measure=lambda run: run.start.initial.accounts,
))  # fmt: skip
METRICS.add(Metric(
    order=85, name="start_below_initial_notional", label="Notional below initial margin",
    unit="quote", kind="amount", direction=NEUTRAL, family="other", section="Margin", markets="all",
    meaning="Notional of the accounts below initial margin before the first block.",
    measure=lambda run: run.start.initial.notional,
))  # fmt: skip
METRICS.add(Metric(
    order=86, name="capital_added_at_set_up", label="Capital added at set-up", unit="quote", kind="amount",
    direction=NEUTRAL, family="other", section="Margin", markets="all",
    meaning="Collateral that accounts deposited before block 0 beyond what their leverage asks for, because "
    "the initial check refused their position without it.",
    measure=lambda run: run.added_at_set_up,
))  # fmt: skip
METRICS.add(Metric(
    order=87, name="added_capital", label="Capital added in the run", unit="quote", kind="amount",
    direction=NEUTRAL, family="other", section="Margin", markets="all",
    meaning="Collateral deposited into accounts after block 0, by whomever: top-ups, and what opens or "
    "reopens during the run brings with it.",
    measure=lambda run: run.added_in_run,
))  # fmt: skip
METRICS.add(Metric(
    order=88, name="start_collateral", label="Collateral at the start", unit="quote", kind="amount",
    direction=NEUTRAL, family="other", section="Margin", markets="all",
    meaning="Collateral of all accounts before the first block.",
    measure=lambda run: run.before.total_collateral / WAD,
))  # fmt: skip
