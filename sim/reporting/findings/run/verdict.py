"""The verdict: what happened, did the fund survive, what the market did to itself, what one run proves."""

from typing import Literal

import numpy as np

from sim.metrics.statistics.intervals import rule_of_three
from sim.reporting.findings.blocks import Verdict
from sim.reporting.findings.run.by_market import closed_words
from sim.reporting.findings.run.causes import cause_sentence, cause_story
from sim.reporting.formatting import (
    duration,
    is_missing,
    moment_words,
    money,
    number,
    percent,
    plural,
    signed_percent,
    significant,
)
from sim.reporting.run_folder import FloatArray, RunFolder, column, epoch_seconds, has_columns, last_value

CONFIDENCE = 0.95
BEARERS = (
    ("fund_draws", "was paid by the fund"),
    ("haircuts", "was taken from winners by auto-deleveraging"),
    ("socialized_loss", "was socialised to the liquidity providers"),
)


STAMPS = {
    "held": "Held",
    "strained": "Held under strain",
    "failed": "Losses passed on",
    "invalid": "Not valid",
}


def reach_verdict(run: RunFolder) -> Verdict:
    """Judge one run from its summary and tables."""
    level, headline = _headline(run)
    cause = cause_sentence(run)
    if cause and level != "invalid":
        headline = f"{cause} {headline}"
    failures = int(_amount(run, "formula_failures"))
    if failures and level != "invalid":
        level = "strained" if level == "held" else level
        headline = (
            f"{headline} A margin formula had no good answer ({plural(failures, 'failure')}): the last good "
            "ratios stood in for it."
        )
    answers = (
        ("What happened?", _price_story(run)),
        ("Who was liquidated?", _liquidation_story(run)),
        ("How much of it did the market do to itself?", cause_story(run)),
        ("Did the insurance fund survive?", _fund_story(run)),
        ("What does one run prove?", _caution(run)),
    )
    return Verdict(
        level=level,
        stamp=f"{STAMPS[level]} · in this one run",
        headline=headline,
        answers=tuple((question, answer) for question, answer in answers if answer),
    )


def largest_fall(prices: FloatArray) -> tuple[float, int, int]:
    """Return the largest peak-to-trough fall as a (negative) share, with the rows of its peak and trough."""
    peaks = np.maximum.accumulate(prices)
    drops = prices / peaks - 1.0
    trough = int(np.argmin(drops))
    return float(drops[trough]), int(np.argmax(prices[: trough + 1])), trough


def single_run_bound() -> float:
    """Return the exact one-sided binomial bound after one run: 0 of 1 excludes only what lies above."""
    return rule_of_three(1, confidence=CONFIDENCE)


def _amount(run: RunFolder, key: str) -> float:
    value = run.summary.get(key)
    return 0.0 if is_missing(value) else float(value)  # type: ignore[arg-type]


def _pending(run: RunFolder) -> float:
    rows = run.protocol_blocks
    return (last_value(rows, "pending_deficit") or 0.0) if not rows.empty else 0.0


def _headline(run: RunFolder) -> tuple[Literal["held", "strained", "failed", "invalid"], str]:
    violations = int(_amount(run, "invariant_violations"))
    if violations:
        return "invalid", f"Do not rely on this run: {plural(violations, 'invariant check')} failed."
    silent = int(_amount(run, "silent_oracles"))
    if silent and "silent_oracle" not in run.scenario.get("meant", ()):
        return "invalid", (
            f"Do not rely on this run: nothing could happen where {plural(silent, 'oracle')} took no report "
            "from the first block to the last and had no usable price at the end."
        )
    debt, socialized = _amount(run, "bad_debt"), _amount(run, "socialized_loss")
    adl, pending = _amount(run, "auto_deleveraged_notional"), _pending(run)
    unbooked = _amount(run, "negative_equity_end")
    depleted = bool(run.summary.get("fund_depleted"))
    passed_on = []
    if adl > 0:
        passed_on.append(f"{money(adl)} of winning positions were auto-deleveraged")
    if socialized > 0:
        passed_on.append(f"{money(socialized)} fell on the liquidity providers")
    if pending > 0:
        passed_on.append(f"{money(pending)} was still unresolved at the end")
    if unbooked > _amount(run, "insurance_fund_end"):
        passed_on.append(
            f"accounts still open owe {money(unbooked)} beyond their collateral, booked by nobody"
        )
        unbooked = 0.0
    if depleted or passed_on:
        words = (
            "The insurance fund was emptied" if depleted else "The insurance fund did not carry every loss"
        )
        return (
            "failed",
            (f"{words}: {_and(passed_on)}." if passed_on else f"{words}, though no loss went beyond it.")
            + _unbooked_words(unbooked),
        )
    if debt > 0:
        start = _amount(run, "insurance_fund_start")
        share = f", {percent(debt / start)} of its starting size" if start > 0 else ""
        return "strained", (
            f"The insurance fund held, and paid {money(debt)} of bad debt{share}.{_unbooked_words(unbooked)}"
        )
    if unbooked > 0:
        return "strained", f"No bad debt was booked, but not for want of it.{_unbooked_words(unbooked)}"
    if not _amount(run, "liquidations"):
        return "held", "Nothing broke, and little was tested: no account was liquidated."
    return "held", "No bad debt: every liquidated account was closed before its collateral ran out."


def _unbooked_words(unbooked: float) -> str:
    """Return the sentence about losses of accounts that are still open, empty without any."""
    if unbooked <= 0:
        return ""
    return f" Accounts still open owe {money(unbooked)} beyond their collateral, booked by nobody."


def _closer_words(gas: float) -> str:
    """Return the sentence about what it cost to close accounts that nobody was paid to, empty if nothing."""
    if gas <= 0:
        return ""
    return (
        f" The protocol's own closer spent {money(gas)} of gas on accounts under water that nobody had "
        "closed: a cost to the fund on top of its losses, not taken from the reserves above."
    )


def _price_story(run: RunFolder) -> str:
    stories = []
    for market in run.market_ids:
        rows = run.market_blocks(market)
        if not has_columns(rows, ["timestamp", "external_price"]):
            continue
        prices, times = column(rows, "external_price"), epoch_seconds(rows["timestamp"])
        fall, peak, trough = largest_fall(prices)
        story = (
            f"{run.market_name(market)} went from {significant(float(prices[0]), 4)} to "
            f"{significant(float(prices[-1]), 4)} USDC "
            f"({signed_percent(float(prices[-1] / prices[0] - 1))})"
        )
        if fall < 0:
            story += (
                f"; its largest fall was {percent(-fall)}, from {significant(float(prices[peak]), 4)} to "
                f"{significant(float(prices[trough]), 4)} in "
                f"{duration(float(times[trough] - times[peak]))}, with the low at "
                f"{moment_words(float(times[trough]))}"
            )
        stories.append(story + ".")
    span = run.time_span
    if not stories or span is None:
        return ""
    return (
        f"In {duration(span[1] - span[0])} of simulated time ({number(len(run.protocol_blocks))} blocks), "
        + " ".join(stories)
        + _settlement_words(run)
    )


def _settlement_words(run: RunFolder) -> str:
    """Return the sentence about the blocks in which the run settled, empty without any."""
    settled = int(_amount(run, "settlement_blocks"))
    if not settled:
        return ""
    left = _amount(run, "negative_equity_end") + _pending(run) > 0
    end = "and somebody still was at the end" if left else "until nobody was"
    return (
        f" The last {plural(settled, 'block')} settle it: the path outside stands still while anybody is "
        f"under water, {end}."
    )


def _liquidation_story(run: RunFolder) -> str:
    count = int(_amount(run, "liquidations"))
    if not count:
        return "No account was liquidated."
    words = (
        f"{plural(count, 'liquidation')} closed {money(run.summary.get('liquidated_notional'))} of positions"
    )
    if has_columns(run.accounts, ["liquidations", "account"]) and run.accounts is not None:
        hit = int((column(run.accounts, "liquidations") > 0).sum())
        began = int((column(run.accounts, "notional_start") > 0).sum())
        words += f", in {plural(hit, 'account')}; {number(began)} began with a position"
    rows = run.protocol_blocks
    if len(run.market_ids) == 1 and has_columns(rows, ["open_interest_notional"]):
        largest = float(np.nanmax(column(rows, "open_interest_notional")))
        if largest > 0:
            words += f"; the largest open interest was {money(largest)}"
    calls = run.summary.get("margin_calls")
    if calls:
        cured = number(run.summary.get("cured_margin_calls"))
        words += f". Of {plural(int(calls), 'margin call')}, {cured} were cured"
    return f"{words}.{closed_words(run)}"


def _fund_story(run: RunFolder) -> str:
    start, low, end = (run.summary.get(f"insurance_fund_{key}") for key in ("start", "min", "end"))
    if is_missing(start) or is_missing(low):
        return ""
    survived = "No. It" if run.summary.get("fund_depleted") else "Yes, in this run. It"
    words = f"{survived} began with {money(start)}, stood at {money(low)} at its lowest"
    rows = run.protocol_blocks
    if has_columns(rows, ["timestamp", "insurance_fund"]):
        lowest = int(np.nanargmin(column(rows, "insurance_fund")))
        words += f" ({moment_words(float(epoch_seconds(rows['timestamp'])[lowest]))})"
    words += f" and ended with {money(end)}."
    debt = _amount(run, "bad_debt")
    if debt > 0:
        pieces = [
            f"{money(amount)} {what}"
            for key, what in BEARERS
            if (amount := (last_value(rows, key) or 0.0) if not rows.empty else 0.0) > 0
        ]
        words += f" Accounts closed below zero left {money(debt)} of bad debt"
        words += f": {_and(pieces)}." if pieces else "."
    else:
        words += " No account was closed below zero, so the fund was never asked to cover a loss."
    words += _closer_words(_amount(run, "closer_gas_cost"))
    words += _unbooked_words(_amount(run, "negative_equity_end"))
    pending = _pending(run)
    if pending > 0:
        words += f" A further {money(pending)} was still waiting to be resolved at the end."
    return words


def _caution(run: RunFolder) -> str:
    seed = run.manifest.get("seed")
    bound = single_run_bound()
    if run.summary.get("fund_depleted"):
        words = f"a probability of depletion anywhere above {percent(1 - bound, 0)}"
    else:
        words = f"a probability of depletion anywhere below {percent(bound, 0)}"
    with_seed = f", seed {seed}" if seed is not None else ""
    return (
        f"Little about probability. This is one run: one price path{with_seed}, under the assumptions "
        "listed below. It shows a mechanism at work, not how often it happens: as a sample of one it is "
        f"compatible, at {percent(CONFIDENCE, 0)} confidence, with {words}. Many paired runs are needed "
        "before a parameter is changed."
    )


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
