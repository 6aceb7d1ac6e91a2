"""The decision rule: from the paths of both arms to better, not worse, worse or undetermined.

Words and error rates are explained in ``docs/compare.md``; the rule in short, with a one-sided error alpha:

* Every endpoint in every cell (price model and impact law) has the mean harm of its paired differences, with
  the bounds of :mod:`sim.experiments.decision.bounds`.
* *Non-inferior*: the upper bound is below the margin. It must hold in every cell, so no correction is needed:
  a change inferior somewhere passes with probability alpha at most (intersection-union test).
* *Superior*: each path's harm is averaged over the cells, and its mean is below minus the threshold; Holm
  over the endpoints that may show it, and no cell says the opposite. The cells share their random numbers, so
  a path is one observation, not many.
* With several books of accounts the mean harm of a book takes the place of a path's: paths of one book share
  its luck.
* *Beyond*: the lower bound is above the margin; Holm over all cells and all endpoints of the same kind.
* *Flip*: significantly helped in one cell and significantly harmed in another; Holm over cells, both ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from sim.core.arrays import IntArray
from sim.experiments.decision.bounds import MeanWeights, draws_for, holm
from sim.experiments.decision.endpoints import Endpoint
from sim.experiments.decision.reasons import (
    benefit_not_shown,
    costs,
    trade_off,
    unsettled,
    worse_by,
)
from sim.experiments.decision.results import Cell, Column, Result, Rule, Tested, all_tested, pooled_column
from sim.experiments.decision.wording import amount, label


class Word(StrEnum):
    """What may be said of a change, from least to most favourable."""

    WORSE = "worse"
    UNDETERMINED = "undetermined"
    NOT_WORSE = "not worse"
    BETTER = "better"


_ORDER = tuple(Word)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A change whose sign depends on the model."""

    endpoint: str
    helped_in: tuple[str, ...]
    harmed_in: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellVerdict:
    """What one model of the market says on its own."""

    cell: str
    word: Word
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The outcome of the rule."""

    word: Word
    identical: bool
    """Whether both parameter sets are the same, and so every difference zero."""
    paths: int
    """Per cell and arm."""
    least_paths: int
    reasons: tuple[str, ...]
    """Sentences, the deciding ones first."""
    priced: str
    """What the change certainly costs, against what it does or might improve, if that is why it is
    undetermined; empty otherwise."""
    cells: tuple[CellVerdict, ...]
    results: tuple[Result, ...]
    """Every endpoint in every cell, cells in order."""
    pooled: tuple[Result, ...]
    """Every endpoint over all cells; ``superior`` is decided here."""
    flips: tuple[Flip, ...]


def decide(
    cells: Sequence[Cell],
    endpoints: Sequence[Endpoint],
    rule: Rule,
    *,
    seed: int,
    identical: bool = False,
    weights: MeanWeights | None = None,
    books: IntArray | None = None,
) -> Decision:
    """Apply the decision rule.

    Parameters
    ----------
    cells
        At least one, all with the same number of paths; path j has the same random numbers in all.
    endpoints
        At least one.
    seed
        Of the weightings behind the bounds; the result is a function of the arguments alone.
    identical
        Both arms have the same parameters. They must then agree exactly.
    weights
        To be shared by repeated calls; made from ``seed`` if None.
    books
        int64[paths], the book of accounts of each path, if there are several: then books, not paths, are what
        bounds and tests count.

    Raises
    ------
    ValueError
        Arrays of different length, no cell or endpoint, or arms that differ although `identical`.
    """
    if not cells or not endpoints:
        raise ValueError("need at least one cell and one endpoint")
    lengths = {
        len(arm[point.metric])
        for cell in cells
        for arm in (cell.current, cell.proposed)
        for point in endpoints
    }
    if len(lengths) != 1:
        raise ValueError(f"all arms need the same paths, were {sorted(lengths)} long")
    paths = lengths.pop()
    if weights is None:
        weights = MeanWeights(seed, draws_for(rule.alpha, len(cells) * len(endpoints)))
    rows = [[Column.of(cell, point, rule, books) for point in endpoints] for cell in cells]
    if identical and any(column.differing for row in rows for column in row):
        raise ValueError("the same parameters gave different numbers on the same paths")
    averaged = [pooled_column([row[index] for row in rows], rule) for index in range(len(endpoints))]
    tests = all_tested([column for row in [*rows, averaged] for column in row], rule, weights)
    width = len(endpoints)
    tested = [tests[start : start + width] for start in range(0, len(tests), width)]
    results, overall = _with_families(tested[:-1], tested[-1], endpoints, rule)
    flips = tuple(_flips(results, endpoints))
    word, reasons = _overall(results, overall, flips, rule, paths, identical=identical)
    is_priced = word is Word.UNDETERMINED and paths >= rule.least_paths and _costly(results)
    priced = reasons[0] if is_priced else ""
    return Decision(
        priced=priced,
        word=word,
        identical=identical,
        paths=paths,
        least_paths=rule.least_paths,
        reasons=reasons,
        cells=tuple(_cell_verdict(row, rule, paths, identical=identical) for row in results),
        results=tuple(result for row in results for result in row),
        pooled=tuple(overall),
        flips=flips,
    )


def confirmed(first: Decision, fresh: Decision) -> Word:
    """Return the final word of a decision and its confirmation on fresh paths: the less favourable one."""
    return min(first.word, fresh.word, key=_ORDER.index)


def _with_families(
    tested: Sequence[Sequence[Tested]], pooled: Sequence[Tested], endpoints: Sequence[Endpoint], rule: Rule
) -> tuple[list[list[Result]], list[Result]]:
    """Return results with the corrections for several hypotheses made, each in its family."""
    results = [[item.result for item in row] for row in tested]
    alpha = rule.alpha
    for solvency in (True, False):  # what can make a change worse, and what users pay, are two families
        places = [
            (row, column)
            for row in range(len(results))
            for column, point in enumerate(endpoints)
            if (point.role != "efficiency") == solvency
        ]
        rejected = holm(np.array([tested[row][column].p_beyond for row, column in places]), alpha)
        for (row, column), is_beyond in zip(places, rejected, strict=True):
            results[row][column] = replace(results[row][column], beyond=is_beyond)
    for column in range(len(endpoints)):
        helped = holm(np.array([row[column].p_helped for row in tested]), alpha)
        harmed = holm(np.array([row[column].p_harmed for row in tested]), alpha)
        for row, (is_helped, is_harmed) in enumerate(zip(helped, harmed, strict=True)):
            results[row][column] = replace(results[row][column], helped=is_helped, harmed=is_harmed)
    candidates = [index for index, point in enumerate(endpoints) if point.superiority]
    for row, items in enumerate(tested):
        for index, is_superior in _superior(items, candidates, alpha):
            results[row][index] = replace(results[row][index], superior=is_superior)
    overall = [item.result for item in pooled]
    for index, is_superior in _superior(pooled, candidates, alpha):
        contradicted = any(row[index].harmed for row in results)
        overall[index] = replace(overall[index], superior=is_superior and not contradicted)
    return results, overall


def _superior(items: Sequence[Tested], candidates: Sequence[int], alpha: float) -> Iterator[tuple[int, bool]]:
    rejected = holm(np.array([items[index].p_superior for index in candidates]), alpha)
    return zip(candidates, rejected, strict=True)


def _flips(results: Sequence[Sequence[Result]], endpoints: Sequence[Endpoint]) -> Iterator[Flip]:
    for column, endpoint in enumerate(endpoints):
        helped = tuple(row[column].cell for row in results if row[column].helped)
        harmed = tuple(row[column].cell for row in results if row[column].harmed)
        if helped and harmed:
            yield Flip(endpoint=endpoint.name, helped_in=helped, harmed_in=harmed)


def _overall(
    results: Sequence[Sequence[Result]],
    pooled: Sequence[Result],
    flips: Sequence[Flip],
    rule: Rule,
    paths: int,
    *,
    identical: bool,
) -> tuple[Word, tuple[str, ...]]:
    flat = [result for row in results for result in row]
    named = [
        f"{flip.endpoint} changes sign between models: better in {', '.join(flip.helped_in)}; worse in"
        f" {', '.join(flip.harmed_in)}"
        for flip in flips
    ]
    word, reasons = _word(flat, pooled, rule, paths, identical=identical)
    if flips and word in (Word.BETTER, Word.NOT_WORSE):
        return Word.UNDETERMINED, (*named, *reasons)
    return word, (*reasons, *named)


def _costly(results: Sequence[Sequence[Result]]) -> bool:
    """Return whether a change certainly costs more than its margin of efficiency somewhere."""
    return any(result.beyond and result.endpoint.role == "efficiency" for row in results for result in row)


def _cell_verdict(row: Sequence[Result], rule: Rule, paths: int, *, identical: bool) -> CellVerdict:
    word, reasons = _word(row, row, rule, paths, identical=identical)
    return CellVerdict(cell=row[0].cell, word=word, reasons=reasons)


def _word(
    results: Sequence[Result], pooled: Sequence[Result], rule: Rule, paths: int, *, identical: bool
) -> tuple[Word, tuple[str, ...]]:
    """Return the word for a set of results, and why; ``pooled`` has the same endpoints over all cells."""
    if identical:
        return Word.NOT_WORSE, ("identical parameters: every difference is exactly zero",)
    if paths < rule.least_paths:
        few = (
            f"{paths} paths are too few, {rule.least_paths} are needed: fewer would miss what happens in"
            f" {100 * rule.unseen:g} % of all paths too often"
        )
        return Word.UNDETERMINED, (few,)
    superior = [result for result in pooled if result.superior]
    beyond = [result for result in results if result.beyond]
    deciding = [result for result in beyond if result.endpoint.role != "efficiency"]
    costly = [result for result in beyond if result.endpoint.role == "efficiency"]
    if deciding:
        return Word.WORSE, worse_by(deciding)
    open_ = [result for result in results if not result.non_inferior and not result.beyond]
    still_open = unsettled(open_, len({result.cell for result in results}))
    if costly and superior:
        return Word.UNDETERMINED, (*trade_off(costly, pooled, superior), *still_open)
    if costly:  # that nothing else was shown to improve is no proof that nothing does
        said = f"{costs(costly, pooled)}; {benefit_not_shown(pooled, rule, paths)}"
        return Word.UNDETERMINED, (said, *still_open)
    if still_open:
        return Word.UNDETERMINED, still_open
    if superior:
        names = ", ".join(
            f"{label(one.endpoint)} (by {amount(one.endpoint, one.difference)})" for one in superior
        )
        return Word.BETTER, (f"better on {names}, and not worse on anything else",)
    return Word.NOT_WORSE, ("within every margin, and better on nothing by more than chance",)
