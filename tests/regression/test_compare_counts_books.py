"""A comparison in several books took their paths for independent: up to 10 % false "better" for 2.5 %."""

import numpy as np
import pytest

from sim.experiments.decision.bounds import MeanWeights
from sim.experiments.decision.endpoints import Endpoint
from sim.experiments.decision.results import Cell, Column, Rule
from sim.experiments.decision.verdict import Word, decide
from sim.metrics.statistics.intervals import clopper_pearson

PATHS, BOOKS, REPETITIONS = 400, 20, 400
LOSS = Endpoint(
    metric="loss", role="solvency", statistic="mean", margin=9.0, largest=10.0, direction=1, superiority=True
)
WEIGHTS = MeanWeights(1, 499)
BOOK = np.arange(PATHS) % BOOKS


def false_better(books):
    """Arms of equal mean; a fifth of the variance of their difference belongs to the book."""
    rng = np.random.default_rng(20_251_129)
    better = 0
    for _ in range(REPETITIONS):
        harm = np.sqrt(0.2) * rng.normal(size=BOOKS)[BOOK] + np.sqrt(0.8) * rng.normal(size=PATHS)
        cell = Cell(name="one", current={"loss": np.zeros(PATHS)}, proposed={"loss": harm})
        decision = decide([cell], [LOSS], Rule(), seed=1, weights=WEIGHTS, books=books)
        better += decision.word is Word.BETTER
    return clopper_pearson(better, REPETITIONS)


def test_false_better_keeps_its_rate_with_books_and_breaks_it_without() -> None:
    assert false_better(BOOK).lower <= 0.025
    assert false_better(None).lower > 0.04


def test_bounds_count_books() -> None:
    rng = np.random.default_rng(3)
    harm = rng.normal(size=PATHS)
    column = Column.of(
        Cell(name="one", current={"loss": np.zeros(PATHS)}, proposed={"loss": harm}), LOSS, Rule(), BOOK
    )
    np.testing.assert_allclose(column.units, harm.reshape(-1, BOOKS).mean(axis=0))
    decision = decide(
        [Cell(name="one", current={"loss": np.zeros(PATHS)}, proposed={"loss": harm})],
        [LOSS], Rule(), seed=1, weights=WEIGHTS, books=BOOK,
    )  # fmt: skip
    assert (decision.results[0].n, decision.results[0].books) == (PATHS, BOOKS)


@pytest.mark.parametrize(("books", "words"), [(1, "one of books"), (9, "rests on 9 books, 10 are needed")])
def test_few_books_are_undetermined(books, words) -> None:
    cell = Cell(name="one", current={"loss": np.zeros(PATHS)}, proposed={"loss": np.full(PATHS, -5.0)})
    decision = decide([cell], [LOSS], Rule(), seed=1, weights=WEIGHTS, books=np.arange(PATHS) % books)
    assert decision.word is Word.UNDETERMINED
    assert words in decision.results[0].unusable


def test_a_shortfall_that_books_share_is_undetermined() -> None:
    tail = Endpoint(
        metric="loss", role="solvency", statistic="expected_shortfall", margin=9.0, largest=10.0, direction=1
    )
    cell = Cell(name="one", current={"loss": np.zeros(PATHS)}, proposed={"loss": np.full(PATHS, -5.0)})
    decision = decide([cell], [tail], Rule(), seed=1, weights=WEIGHTS, books=BOOK)
    assert "books share the tail" in decision.results[0].unusable


def test_one_book_leaves_every_path_on_its_own() -> None:
    events = Endpoint(
        metric="loss", role="solvency", statistic="probability", margin=0.5, largest=1.0, direction=1
    )
    harmed = (np.arange(PATHS) < 40).astype(float)
    cell = Cell(name="one", current={"loss": np.zeros(PATHS)}, proposed={"loss": harmed})
    alone, linked = (
        decide([cell], [events], Rule(), seed=1, weights=WEIGHTS, books=books).results[0]
        for books in (None, BOOK)
    )
    assert alone.books is None
    assert alone.mcnemar is not None
    assert linked.mcnemar is None  # McNemar takes paths for independent
