"""Executes a stored run again and compares every table and the summary with what its folder says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from sim.core.errors import InputError
from sim.core.folders import FILES, SEAL, damaged
from sim.engine.blocks.closing import final_accounts
from sim.engine.blocks.tables import TABLES
from sim.engine.options import RunOptions
from sim.engine.results.folder import StoredRun, open_run, stored_run
from sim.engine.results.manifest import build_manifest
from sim.engine.results.result import MARKER
from sim.engine.run import (
    Execution,
    add_removals,
    execute,
    load_histories,
    record_beside,
    run_beside,
    summarise,
    world_beside,
)
from sim.market.price_history import PriceHistory
from sim.metrics.worlds import WORLDS, Worlds


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """Whether a run folder says what its inputs lead to."""

    identical: bool
    first_difference: str | None
    """Block, table, column, and both values of the first difference."""


def replay_run(folder: Path, engine: str | None) -> ReplayResult:
    """Execute the run of a folder again, on any engine, and compare.

    Raises
    ------
    InputError
        The folder is not a run, or a file of it is damaged.
    """
    files = open_run(folder)
    stored = stored_run(files)
    tables = {name: files.table(name) for name in TABLES}
    summary = files.summary()
    options = RunOptions(
        out=folder,
        engine=engine,
        prices=stored.prices,
        keep_blocks=True,
        contracts=stored.contracts,
        path=stored.path,
    )
    histories = load_histories(stored.scenario, options)
    run = execute(stored.scenario, options, histories)
    worlds = stored_worlds(stored)
    beside = run_beside(worlds, run, partial(world_beside, stored.scenario, options, histories))
    removed = add_removals(
        stored_removals(stored), worlds, run, partial(world_beside, stored.scenario, options, histories)
    )
    record_beside(run, beside | removed)
    for row in final_accounts(run.world, run.loop, run.recorder):
        run.recorder.tables.accounts.append(row)
    found: list[tuple[int, str]] = []
    for name, table in run.recorder.tables.named().items():
        difference = _first_difference(name, tables[name], table.to_arrow())
        if difference is not None:
            found.append(difference)
    if found:
        found.sort(key=lambda item: item[0])
        return ReplayResult(identical=False, first_difference=found[0][1])
    stated = _manifest_difference(stored, run, histories) or _summary_difference(
        summary, summarise(run, beside)
    )
    return ReplayResult(identical=stated is None, first_difference=stated)


def stored_worlds(stored: StoredRun) -> Worlds:
    """Return which worlds were run beside a stored run.

    Raises
    ------
    InputError
        The manifest names none of the choices.
    """
    for choice in WORLDS:
        if stored.data["worlds"] == choice:
            return choice
    raise InputError(damaged(stored.folder / MARKER, f"worlds: is none of {', '.join(WORLDS)}"))


def stored_removals(stored: StoredRun) -> tuple[int, ...]:
    """Return the accounts without whose forced flow a stored run was made again.

    Raises
    ------
    InputError
        The manifest lists something else.
    """
    accounts = stored.data["without_flow_of"]
    if not all(isinstance(account, int) and not isinstance(account, bool) for account in accounts):
        raise InputError(damaged(stored.folder / MARKER, "without_flow_of: must list accounts"))
    return tuple(accounts)


_AFTER_ALL_BLOCKS = 2**62


def _first_difference(name: str, stored: pa.Table, fresh: pa.Table) -> tuple[int, str] | None:
    """Return (block, description) of the first row that differs, None if the tables are equal."""
    if stored.schema.names != fresh.schema.names or stored.schema.types != fresh.schema.types:
        return -1, f"{name}.parquet: columns are {stored.schema.names}, recomputed {fresh.schema.names}"
    if stored.equals(fresh):
        return None
    old, new = stored.to_pylist(), fresh.to_pylist()
    for row, (before, after) in enumerate(zip(old, new, strict=False)):
        for column in fresh.schema.names:
            if before[column] != after[column]:
                block = after.get("block", _AFTER_ALL_BLOCKS)
                place = f"block {block}" if "block" in after else "final state"
                return block, (
                    f"{place}: {name}.parquet row {row}, {column}: stored {before[column]!r}, "
                    f"recomputed {after[column]!r}"
                )
    row = min(len(old), len(new))
    longer = new if len(new) > len(old) else old
    block = longer[row].get("block", _AFTER_ALL_BLOCKS)
    return block, f"block {block}: {name}.parquet has {len(old)} rows, recomputed {len(new)}"


_NOT_RECOMPUTED = frozenset(("engine", "versions", "overrides", "inputs", FILES, SEAL))
"""Keys of a manifest that tell how a run came about, not what it was: any engine may replay it."""


def _manifest_difference(
    stored: StoredRun, run: Execution, histories: Mapping[int, PriceHistory]
) -> str | None:
    """Return the first key whose value the run does not lead to."""
    fresh = build_manifest(
        scenario=stored.scenario,
        world=run.world,
        digest=run.digest,
        worlds=stored_worlds(stored),
        without_flow_of=stored_removals(stored),
        histories=histories,
        overrides=(),
        inputs=stored.data["inputs"],  # among them, whether prices of the command line took part
        settlement_blocks=run.settlement_blocks,
        path=stored.path,
    )
    stated, found = stored.data, json.loads(json.dumps(fresh))
    for key in (*found, *(key for key in stated if key not in found)):
        if key not in _NOT_RECOMPUTED and stated.get(key, _ABSENT) != found.get(key, _ABSENT):
            return f"manifest.json: {key}: stored {_short(stated, key)}, recomputed {_short(found, key)}"
    return None


_ABSENT = object()


def _short(values: Mapping[str, Any], key: str) -> str:
    text = repr(values[key]) if key in values else "nothing"
    return text if len(text) <= 200 else f"{text[:200]}..."


def _summary_difference(stated: Mapping[str, Any], summary: Mapping[str, object]) -> str | None:
    for key in (*summary, *(key for key in stated if key not in summary)):
        if key not in summary or key not in stated or stated[key] != summary[key]:
            return f"summary.json: {key}: stored {_short(stated, key)}, recomputed {_short(summary, key)}"
    return None
