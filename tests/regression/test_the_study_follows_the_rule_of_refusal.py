"""T11, T22: the study had an interval of its own for tails that books share, and wrote "0.00 ± 0.00"."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest

from scripts.study_pages import figures
from scripts.study_pages.appendix import appendix
from scripts.study_pages.numbers import METRICS, TAILED, calm_numbers, crash_numbers
from scripts.study_pages.page import document
from sim.metrics.book import METRICS as BOOK

NAMES = dict(enumerate(figures.COLOURS))
BOOKS = 12


def paths(count=60, *, hurt=0.2):
    """Return made-up paths of every policy: raw volatility liquidates `hurt` more than static."""
    random = np.random.default_rng(5)
    rows = []
    shallow, minutes = np.arange(count) % 2 == 0, random.uniform(2.0, 6.0, count)
    fall = -np.where(shallow, random.uniform(0.03, 0.10, count), random.uniform(0.20, 0.35, count))
    level = random.uniform(0.3, 0.4, count)
    for (point, name), path in product(NAMES.items(), range(count)):
        more = hurt if name == "raw volatility" else 0.0
        rows.append({
            "point": point, "path": path, "population": path // 2 % BOOKS,
            "shocks.0.size": fall[path], "shocks.0.duration_minutes": minutes[path],
            "markets.0.impact.impact_half_life_seconds": (300, 3_600)[path % 2],
            "markets.0.impact.depth_floor": (0.1, 0.5)[path // 2 % 2],
            **dict.fromkeys(METRICS, 0.0),
            "mean_initial_margin_ratio": 0.1 + 1e-16 * (path % 3),
            "liquidated_share": level[path] + more * (1.0 + 0.01 * (path % 7)),
            "excess_share": np.nan, TAILED: max(-fall[path] - 0.2, 0.0),
            "insolvent": float(fall[path] < -0.2), "fund_depleted": 0.0,
        })  # fmt: skip
    return pd.DataFrame(rows)


def study(table):
    crash, calm = crash_numbers(table, NAMES), calm_numbers(table, NAMES)
    size = dict.fromkeys(("title", "experiment_sha256", "digest", "digest_schema_version", "label"), "-")
    return json.loads(json.dumps({"sweeps": {"crash": size}, "crash": crash, "calm": calm}, allow_nan=False))


@pytest.fixture(scope="module")
def numbers():
    return study(paths())


def test_every_metric_of_it_is_in_the_book():
    assert set(METRICS) <= set(BOOK.names())


def test_a_tail_that_books_share_has_no_interval_and_says_why(numbers):
    tail = numbers["crash"]["policies"]["static"][f"{TAILED}_es99"]
    assert tail["estimate"] > 0.0
    assert tail["lower"] is tail["upper"] is None
    assert tail["note"] in appendix(numbers)


def test_what_never_varied_has_no_width(numbers):
    drain = numbers["crash"]["policies"]["static"]["fund_drain"]
    assert (drain["estimate"], drain["lower"], drain["upper"]) == (0.0, None, None)
    assert drain["note"].startswith("the same in all 60 paths: another value in at most")
    page = appendix(numbers)
    assert drain["note"] in page
    assert "±" not in page
    assert "0.00 [0.00" not in page
    asked = numbers["calm"]["policies"]["static"]["mean_initial_margin_ratio"]
    assert (asked["lower"], asked["note"]) == (None, "the same in all 60 paths but for rounding")


def test_few_books_and_no_paths_in_a_band_are_said(numbers):
    few = appendix(study(paths(6)))
    assert "rests on 3 populations, 10 are needed for an interval" in few
    assert "no such path" in few
    assert "not defined in any path" in appendix(numbers)  # no world ran beside these


def test_the_market_outside_that_was_drawn_has_its_own_columns(numbers):
    cells = numbers["crash"]["markets"]
    assert [cell["paths"] for cell in cells] == [15, 15, 15, 15]
    assert "half-life 3-19 min, 5-18 % of depth left (n = 15)" in appendix(numbers)
    plain = paths().drop(columns="markets.0.impact.depth_floor")
    assert "market outside is another" not in appendix(study(plain))


def test_a_sentence_stands_only_while_the_numbers_support_it(numbers):
    page, even = document(numbers), document(study(paths(hurt=0.0)))
    assert "It hurts accounts" in page
    assert "liquidates +20" in page
    assert "It hurts accounts" not in even
    assert "Accounts in a moderate crash: no difference is seen" in even


@pytest.mark.parametrize("spared", [-0.01, 0.0, 0.01])
def test_what_the_fund_bears_in_a_deep_crash_is_said_whichever_way_it_falls(spared):
    table = paths()
    raw = table["point"] == list(NAMES.values()).index("raw volatility")
    deep = table["shocks.0.size"] < -0.2
    table.loc[raw & deep, TAILED] += spared * (1.0 + 0.01 * (table["path"] % 5))
    page = document(study(table))
    said = {-0.01: "It spares the fund", 0.0: "no difference is seen", 0.01: "It costs the fund"}
    assert [words in page for words in said.values()] == [words == said[spared] for words in said.values()]


def test_the_answer_has_five_sentences_whatever_the_numbers(numbers):
    for page in (document(numbers), document(study(paths(6))), document(study(paths(hurt=-0.1)))):
        answer = page[page.index("## The answer") : page.index("![")]
        assert [line[:2] for line in answer.splitlines() if line[:1].isdigit()] == [
            "1.",
            "2.",
            "3.",
            "4.",
            "5.",
        ]


@pytest.mark.parametrize("count", [6, 60])
def test_figures_are_drawn_with_what_is_there(count):
    found = study(paths(count))
    drawn = [
        figures.cascade_against_fund(found["crash"]),
        figures.capital_against_tail(found["crash"], found["calm"]),
        figures.where_it_hurts(found["crash"], "liquidated_share"),
    ]
    assert all(text.lstrip().startswith("<?xml") for text in drawn)
