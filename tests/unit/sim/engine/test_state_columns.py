"""What agents are shown: columns of the declared type and shape that nobody can write to."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from sim.protocol.state import State
from tests.support.closed_form_world import Account, build_listed_world, run_loop

ACCOUNTS = [
    Account(notional=100_000.0, collateral=10_001.0),
    Account(notional=-50_000.0, collateral=20_000.0),
]
FALL = 'shocks=[{ kind = "price_jump", at_block = 2, size = -0.08 }]'
MARKETS = 1


class Watcher:
    """An agent that keeps what it is shown."""

    name = "watcher"
    latency_blocks = 0

    def __init__(self):
        self.seen: list[State] = []

    def decide(self, state, _draws):
        self.seen.append(state)
        return []

    def observe(self, outcome):
        """Nothing to learn."""


@pytest.fixture(scope="module")
def seen():

    world, watcher = build_listed_world(ACCOUNTS, FALL), Watcher()
    run_loop(replace(world, agents=(watcher, *world.agents)), 6)
    return world, watcher.seen


def test_columns_have_the_declared_type_and_shape(seen):
    world, states = seen
    actors, dtypes = len(world.book), {"Floats": np.float64, "Integers": np.int64}
    shapes = dict.fromkeys(("external_prices", "external_published_at", "external_depth"), (MARKETS,))
    shapes |= dict.fromkeys(("asset_prices", "asset_published_at"), (0,))  # of no other collateral
    shapes |= dict.fromkeys(("sizes", "entry_notional"), (MARKETS, actors))
    checked = 0
    for field in fields(State):
        if field.type not in dtypes:
            continue
        shape = shapes.get(field.name, (actors,))
        for state in states:
            column = getattr(state, field.name)
            assert column.dtype == dtypes[field.type], field.name
            if field.name != "exact_accounts":
                assert column.shape == shape, field.name
            checked += 1
    assert checked == 14 * len(states)


def test_nobody_can_write_to_what_all_are_shown(seen):
    _, states = seen
    state = next(state for state in states if len(state.under_maintenance().accounts))
    columns = [getattr(state, field.name) for field in fields(State)]
    arrays = [column for column in (*columns, *state.under_maintenance()) if isinstance(column, np.ndarray)]
    assert len(arrays) == 18
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    for name in ("exact_equity", "exact_maintenance", "exact_notional", "native_balance_wei"):
        assert isinstance(getattr(state, name), tuple)


def test_under_maintenance_is_by_the_exact_integers(seen):
    _, states = seen
    for state in states:
        rows = [row for row, equity in enumerate(state.exact_equity) if equity < state.exact_maintenance[row]]
        under = state.under_maintenance()
        assert under.accounts.tolist() == state.exact_accounts[rows].tolist()
        assert under.equity.tolist() == [state.exact_equity[row] / 10**18 for row in rows]
        assert under is state.under_maintenance()
    assert any(len(state.under_maintenance().accounts) for state in states)
