"""What recorded prices make of a run: its length, and what a reader must know of them before it starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from sim.core.errors import InputError
from sim.engine.options import RunOptions
from sim.engine.scenario.meant import unless_meant
from sim.engine.scenario.schema import END_YEAR, FIRST_YEAR, Scenario
from sim.market.price_history import PriceHistory
from sim.market.price_process import PriceProcess
from sim.market.price_processes.replay import Replay

MOST_UNASKED_BLOCKS = 100_000
"""Blocks that a price file may ask for by its length: fourteen days of twelve seconds."""

COARSE_SECONDS = 300
"""Rows farther apart than this are remarked on (assumption: a liquidation cascade lasts minutes)."""


def starting_with_prices(scenario: Scenario, histories: Mapping[int, PriceHistory]) -> Scenario:
    """Return the scenario at the start of the file that it repeats, unless it says when it starts.

    Of several files the one counts that begins last, so that all have a price at block 0.

    Raises
    ------
    InputError
        The file begins in a year in which no scenario may start.
    """
    if "start_time" in scenario.model_fields_set:
        return scenario
    repeated = [
        history
        for market, history in sorted(histories.items())
        if scenario.markets[market].price.repeats_file
    ]
    if not repeated:
        return scenario
    last = max(repeated, key=lambda history: history.start_time)
    begins = datetime.fromtimestamp(last.start_time, UTC)
    if not FIRST_YEAR <= begins.year < END_YEAR:
        raise InputError(
            f"{last.source}: begins on {_moment(last.start_time)}; a run starts from {FIRST_YEAR} to "
            f"{END_YEAR - 1}: set start_time"
        )
    return scenario.model_copy(update={"start_time": begins})


def fit_to_prices(scenario: Scenario, histories: Mapping[int, PriceHistory], options: RunOptions) -> Scenario:
    """Return the scenario at the start of its price file, as long as that of the command line unless told.

    Raises
    ------
    InputError
        The file is shorter than a block, or so long that it must be asked for; or the price of a market ends
        before the run.
    """
    if options.prices is None:
        scenario = starting_with_prices(scenario, histories)
        check_covered(scenario, histories, options)
        return scenario
    history, seconds = histories[0], scenario.seconds_per_block
    covered = history.blocks_covered(seconds)
    if covered < 1:
        raise InputError(f"{options.prices}: shorter than one block of {seconds} s")
    if covered > MOST_UNASKED_BLOCKS and not (options.keep_blocks or options.whole_file):
        raise InputError(
            f"{options.prices}: covers {covered:,} blocks of {seconds} s, {_moment(history.start_time)} to "
            f"{_moment(history.end_time)}; more than {MOST_UNASKED_BLOCKS:,} are only run when asked for: "
            f"--blocks N runs the first N, --whole-file all, --set seconds_per_block=N makes longer ones"
        )
    blocks = min(scenario.blocks, covered) if options.keep_blocks else covered
    fitted = scenario.model_copy(update={"blocks": blocks}).with_files(
        {reference: scenario.file(reference) for reference, _ in scenario.file_references()}
    )
    check_covered(fitted, histories, options)
    return fitted


def check_covered(scenario: Scenario, histories: Mapping[int, PriceHistory], options: RunOptions) -> None:
    """Refuse a run that outlives the recorded price of a market: from there on the price could not move.

    The last row of a file stands for as long as any other.

    Raises
    ------
    InputError
        A file ends before the run, and the scenario does not say that it is meant.
    """
    if "short_prices" in scenario.meant:
        return
    for market, history, covered in _repeated(scenario, histories, options):
        row = 0 if history.has_bars else history.row_seconds
        if covered > 0 and covered + row // scenario.seconds_per_block < scenario.blocks:
            raise InputError(
                unless_meant(
                    f"{history.source}: the price of market {market} ends at block {covered:,} of "
                    f"{scenario.blocks:,}, {_moment(history.end_time)}, and would stand still from there; "
                    f"ask for at most {covered:,} blocks, or set an earlier start_time",
                    "short_prices",
                )
            )


def _repeated(
    scenario: Scenario, histories: Mapping[int, PriceHistory], options: RunOptions
) -> Iterator[tuple[int, PriceHistory, int]]:
    """Yield each market whose price repeats its file, the file, and how many blocks of the run it reaches."""
    start = scenario.start_timestamp if options.prices is None else histories[0].start_time
    for market, history in sorted(histories.items()):
        if (market == 0 and options.prices is not None) or scenario.markets[market].price.repeats_file:
            yield market, history, (history.end_time - start) // scenario.seconds_per_block


def remarks(scenario: Scenario, histories: Mapping[int, PriceHistory], options: RunOptions) -> list[str]:
    """Return what stands out in the price files of a run, for the user before it starts.

    Parameters
    ----------
    scenario
        As long as it will be run.
    """
    found: list[str] = []
    for _, history in sorted(histories.items()):
        found += history.notes
    if scenario.correlation is not None:
        found += [f"correlation: {line}" for line in scenario.correlation.file_words()]
        if options.prices is not None:
            found.append(
                f"correlation: {scenario.markets[0].name} repeats {options.prices.name}, so that no other "
                "market moves together with it"
            )
    for market, history, covered in _repeated(scenario, histories, options):
        name = history.source.name
        replaced = market == 0 and options.prices is not None
        found += what_rows_hide(scenario, market, history, replaced=replaced)
        if covered < scenario.blocks:
            found.append(
                f"{name}: ends at block {covered:,} of {scenario.blocks:,}; its last price stands from there"
            )
    return found


def what_rows_hide(
    scenario: Scenario, market: int, history: PriceHistory, *, replaced: bool = False
) -> list[str]:
    """Return what rows far apart do not tell of a market's price, for users and reports; nothing if none are.

    Parameters
    ----------
    replaced
        Whether the file came from the command line, and repeats itself whatever the scenario's process is.
    """
    price = scenario.markets[market].price
    process = Replay.of(history, like=price) if replaced else price
    if history.row_seconds <= COARSE_SECONDS or not process.repeats_file:
        return []
    return [f"{history.source.name}: has a row every {history.row_seconds:,} s; {_hidden(process, history)}"]


def _hidden(process: PriceProcess, history: PriceHistory) -> str:
    """Return what a row of a file does not tell, and what stands there instead."""
    if isinstance(process, Replay) and process.draws_from(history):
        return (
            "within a bar the price is drawn as rough as its range implies; order and time of its extremes, "
            "and any return between them, are not known"
        )
    return (
        "within it the price walks straight or stands still, so that a crash shorter than that is milder "
        "here than it was"
    )


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
