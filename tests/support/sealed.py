"""Results folders made or edited by a test, sealed as the program seals its own.

A forger can do the same: what a test edits and seals again passes every check of damage, and must be found by
executing the run.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.core.columns import schema_of
from sim.core.folders import write_record
from sim.engine.blocks.run_digest import SCHEMA_VERSION
from sim.engine.blocks.tables import TABLES

_ZEROS = {"int": 0, "double": 0.0, "bool": False, "string": "", "list": []}


def seal(folder: Path, record: str = "manifest.json", *, leave_out: tuple[str, ...] = ()) -> Path:
    """Seal whatever lies in a folder under its record, and return the folder."""
    write_record(folder, record, json.loads((folder / record).read_text()), leave_out=leave_out)
    return folder


def seal_as_run(folder: Path) -> Path:
    """Seal a folder of tables alone under the least a run's manifest may say, and return the folder."""
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "title": "", "question": "", "digest": "", "seed": 0, "blocks": 0, "engine": "", "worlds": "none",
        "without_flow_of": [],
        "scenario_sha256": "", "scenario": {}, "overrides": [], "inputs": {}, "contracts": {}, "prices": None,
        "gas_profile_sha256": "", "gas_profile_is_of_these_contracts": True, "raised_openings": 0,
        "agents": [], "outside_market": [], "shocks": [], "versions": {}, "assumptions": [],
    }  # fmt: skip
    write_record(folder, "manifest.json", manifest)
    return folder


def edit_sealed(folder: Path, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file of a run's folder in place and seal the folder again."""
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content))
    seal(folder)


def write_conforming(frame: pd.DataFrame, folder: Path, table: str) -> None:
    """Write a table of a run with its declared columns: what a toy has no value for is zero."""
    schema = schema_of(TABLES[table])
    columns = []
    for field in schema:
        zero = next(value for kind, value in _ZEROS.items() if str(field.type).startswith(kind))
        values = frame[field.name].tolist() if field.name in frame else [zero] * len(frame)
        columns.append(pa.array(values, type=field.type, from_pandas=True))
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), folder / f"{table}.parquet")
