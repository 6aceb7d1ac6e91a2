"""Lets coordinated accounts try to take money out of the protocol, at constant or at moving prices.

    python scripts/economic_fuzz.py --histories 20000 --seed 1                   no price move, no profit
    python scripts/economic_fuzz.py --histories 5000 --seed 1 --prices moving    every rule, every action
    python scripts/economic_fuzz.py --histories 200 --seed 1 --contracts FOLDER  of other contracts
    python scripts/economic_fuzz.py --replay FILE                                a transcript again

Prints what was tried and how often it worked, apart for what was meant to be legal and what was meant to be
refused; how often losses came about and who bore them; the best profit. At constant prices exit code 1 means
a profit above rounding; at moving prices, where profit leaves out what positions won at the index and what
accounts lost beyond their collateral, a broken rule. What is found is minimised and written to `--out`, a
transcript and a regression test each. docs/invariants.md lists the rules.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sim.core.errors import InputError, SeawallError
from sim.core.units import TOKEN_UNIT
from tests.support.economic.bounds import ASSET_BOUNDS, BOUNDS, ESTIMATOR_BOUNDS
from tests.support.economic.history import History, read_transcript
from tests.support.economic.minimise import (
    minimised,
    regression_test,
    replay,
    still_broken,
    still_profitable,
)
from tests.support.economic.play import ROUNDING_UNITS, Outcome
from tests.support.economic.search import Found, Search, Totals

WIDTHS = (15, 8, 15, 9, 9, 8)
INTERRUPTED = 130
SHOWN = 3
"""Profits that are minimised and written; of broken rules, one each."""


def main() -> int:
    """Search or replay, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--histories", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--prices", choices=("constant", "moving"), default="constant")
    parser.add_argument("--contracts", type=Path, help="folder of contracts instead of those that ship")
    parser.add_argument("--seconds", type=float, help="stop after so long, whatever is left")
    parser.add_argument("--out", type=Path, help="folder for the transcripts of what is found")
    parser.add_argument("--replay", type=Path, help="play a transcript again instead of searching")
    parser.add_argument("--quiet", action="store_true", help="no line of progress")
    options = parser.parse_args()
    if options.histories < 1:
        parser.error(f"--histories: at least one, was {options.histories}")
    if options.contracts is not None and not (options.contracts / "lib").is_dir():
        parser.error(f"--contracts: {options.contracts} is no folder of contracts")
    try:
        if options.replay is not None:
            return _replay(options.replay, options.contracts)
        return _search(options)
    except SeawallError as error:  # contracts that do not compile, an engine that is missing
        print(error, file=sys.stderr)
        return error.exit_code


def _search(options: argparse.Namespace) -> int:
    """Play histories, and return the exit code; an interrupt ends the search, not its report."""
    moving = options.prices == "moving"
    search = Search(options.seed, moving=moving, contracts=options.contracts)
    started = time.perf_counter()
    interrupted = False
    try:
        for number, _ in enumerate(search.run(options.histories), 1):
            elapsed = time.perf_counter() - started
            if not options.quiet and number % 500 == 0:
                best = _quote(search.totals.best)
                print(f"{number} histories, {number / elapsed:.1f} a second, best {best}", file=sys.stderr)
            if options.seconds is not None and elapsed > options.seconds:
                break
    except KeyboardInterrupt:
        interrupted = True
    elapsed = time.perf_counter() - started
    print("\n".join(report(search.totals, moving=moving, seconds=elapsed)))
    if interrupted:
        print(f"interrupted after {search.totals.histories} of {options.histories} histories")
        return INTERRUPTED
    for found in _worth_showing(search.found):
        print(_shown(found, options.contracts, options.out))
    return int(bool(search.totals.broken) if moving else search.totals.best > ROUNDING_UNITS)


def report(totals: Totals, *, moving: bool, seconds: float) -> list[str]:
    """Return what all histories led to, as lines."""
    prices = "moving" if moving else "constant"
    pace = f"{totals.histories / max(seconds, 1e-9):.1f} a second"
    heads = ("meant to work", "worked", "meant to fail", "refused", "either", "worked")
    lines = [
        f"{totals.histories} histories at {prices} prices in {seconds:.0f} s, {pace}",
        f"the shortest has {totals.shortest} actions, the fewest that worked are {totals.fewest}",
        "",
        f"{'action':<16}" + "".join(f"{head:>{width}}" for head, width in zip(heads, WIDTHS, strict=True)),
    ]
    refused = 0
    for verb in sorted({verb for verb, _, _ in totals.tries}):
        row = [
            (totals.tries[verb, intent, True], totals.tries[verb, intent, False])
            for intent in ("legal", "hostile", "free")
        ]
        (legal, not_legal), (let_through, kept_out), (worked, failed) = row
        refused += kept_out
        lines.append(
            f"{verb:<16}{legal + not_legal:>15}{_share(legal, legal + not_legal):>8}"
            f"{let_through + kept_out:>15}{_share(kept_out, let_through + kept_out):>9}"
            f"{worked + failed:>9}{_share(worked, worked + failed):>8}"
        )
    reached = ", ".join(f"{name} {count}" for name, count in sorted(totals.reached.items()))
    lines += ["", f"{refused} hostile tries refused", f"reached: {reached or 'nothing'}"]
    if moving:
        checks = f"{sum(totals.checked.values())} checks of {len(totals.checked)} rules"
        broken = ", ".join(f"{name} in {count} histories" for name, count in sorted(totals.broken.items()))
        bound = ", ".join(
            f"{name} {totals.bound[name]}" for name in (*BOUNDS, *ASSET_BOUNDS, *ESTIMATOR_BOUNDS)
        )
        lines += [f"bound, after so many actions: {bound}", f"{checks}; broken: {broken or 'none'}"]
    meaning = "beyond what prices explain" if moving else f"{totals.gains} histories above rounding"
    lines.append(f"best profit {_quote(totals.best)} quote, {meaning}")
    return lines


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


def _quote(units: int) -> str:
    return f"{units / TOKEN_UNIT:,.6f}"


def _worth_showing(found: list[Found]) -> list[Found]:
    profits = [one for one in found if one.broken is None][:SHOWN]
    return profits + [one for one in found if one.broken is not None]


def _shown(found: Found, contracts: Path | None, out: Path | None) -> str:
    if found.broken is None:
        short = minimised(found.history, still_profitable(found.profit, contracts))
        name, what = "profit", f"profit {_quote(found.profit)}"
        what += f", minimised {_quote(replay(short, contracts, checks=False).best.profit)}"
    else:
        short = minimised(found.history, still_broken(found.broken[0], contracts))
        name, what = found.broken[0], f"{found.broken[0]} broken: {found.broken[2]}"
    text = short.text()
    where = ""
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        path = out / f"{name}-{found.history.origin.split(' ')[0].replace(':', '-')}.json"
        path.write_text(text, "utf-8")
        broken = None if found.broken is None else found.broken[0]
        test = out / f"test_{path.stem.replace('-', '_')}.py"
        test.write_text(regression_test(short, what, broken), "utf-8")
        where = f" -> {path}, {test}"
    return f"\n{what} (history {found.history.origin}){where}\n{text}"


def _replay(path: Path, contracts: Path | None) -> int:
    try:
        history: History = read_transcript(path)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        print(f"--replay: {path} is no transcript of this script: {error!r}", file=sys.stderr)
        return InputError.exit_code
    outcome: Outcome = replay(history, contracts, checks=True)
    profit = _quote(outcome.best.profit)
    print(f"{outcome.played} actions, {outcome.succeeded} of them done, profit {profit} quote")
    for identifier, played, problem in outcome.broken:
        print(f"{identifier} broken after {played} actions: {problem}")
    if history.moving:
        return int(bool(outcome.broken))
    return int(outcome.best.profit > ROUNDING_UNITS)


if __name__ == "__main__":
    sys.exit(main())
