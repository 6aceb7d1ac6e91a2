"""A run in which the market chooses its variance: who keeps it, what follows, and when nobody does."""

from __future__ import annotations

from collections import Counter

import pytest
from pyarrow import parquet

from tests.support.small_run import small_run

CHOICE = (
    "markets.0.estimator={ range_weight = 1.0, implied_weight = 1.0, buffer = 0.25, expiry_seconds = 60 }"
)
OUTAGE = '{ kind = "keeper_outage", at_block = 20, duration_minutes = 4.0, size = 0.7 }'
FALL = '{ kind = "price_jump", at_block = 8, size = -0.16 }'


def rows(folder, table):
    return parquet.read_table(folder / f"{table}.parquet").to_pylist()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    found = {}
    for name, overrides in (
        ("off", ()),
        ("on", (CHOICE,)),
        ("out", (CHOICE, f"shocks=[{FALL}, {OUTAGE}]")),
    ):
        found[name] = tmp_path_factory.mktemp(name) / "run"
        result = small_run(found[name], *overrides)
        assert result.summary["invariant_violations"] == 0
        assert result.summary["formula_failures"] == 0
    return found


def kept(folder):
    """Return the blocks in which a keeper's calls succeeded, by what they were."""
    calls = [row for row in rows(folder, "transactions") if row["kind"].startswith("volatility_oracle.")]
    assert all(row["status"] for row in calls)
    return {
        kind: [row["block"] for row in calls if row["kind"] == kind] for kind in {r["kind"] for r in calls}
    }


def test_a_market_that_does_not_choose_has_no_keeper(folders):
    assert kept(folders["off"]) == {}


def test_the_keeper_updates_and_reports_and_margin_follows(folders):
    counts = Counter({kind: len(blocks) for kind, blocks in kept(folders["on"]).items()})
    assert counts["volatility_oracle.update"] > 30
    assert counts["volatility_oracle.report_implied"] >= 2
    off, on = (
        [row["initial_ratio"] for row in rows(folders[name], "market_states")] for name in ("off", "on")
    )
    assert off != on


def test_an_outage_of_the_keepers_silences_it_and_the_choice_expires(folders):
    updates = kept(folders["out"])["volatility_oracle.update"]
    assert not [block for block in updates if 22 < block < 40]
    assert [block for block in updates if block > 41]
    chosen, own = (
        {row["block"]: int(row["initial_ratio"]) for row in rows(folders[name], "market_states")}
        for name in ("out", "off")
    )
    # A minute after the last update the price oracle's own variances stand again.
    assert chosen[30] > 2 * chosen[19]
    assert own[30] > chosen[19]
