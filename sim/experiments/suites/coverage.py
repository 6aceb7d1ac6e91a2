"""What a run reached, read from its tables: a pass that exercised nothing is no pass.

Counted is what participants did in the blocks of a run. The deployment before the first block (setters,
connections, first deposits) is not in the tables and counts for nothing. Reaching is not proving: a count
says that a check had something to look at, not that the check is right.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from sim.chain.compile import contracts_root
from sim.chain.gas import GasProfile
from sim.engine.results.folder import RunFiles, open_run
from sim.protocol.codes import MarginCheck
from sim.protocol.invariants import INVARIANTS

STAGES = ("liquidation", "fund_draw", "auto_deleverage", "socialized_loss")
"""The loss waterfall in its order: the account's own margin, the fund, the winners, the pool."""

NO_REASON = "(no reason)"
"""Stands for a revert without text."""

_REASON = re.compile(r'"([a-z_]+: [^"\n]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How often a run, or several, reached what there is to reach; keys are sorted, zeros are left out."""

    entry_points: Mapping[str, int] = field(default_factory=dict)
    """Contract function -> transactions that called it with success."""
    revert_reasons: Mapping[str, int] = field(default_factory=dict)
    """Text -> transactions that reverted with it."""
    stages: Mapping[str, int] = field(default_factory=dict)
    """Stage of ``STAGES`` -> times money passed through it."""
    invariants: Mapping[str, int] = field(default_factory=dict)
    """Invariant -> occasions on which it could have been broken; the other checks were vacuous."""
    invariant_checks: int = 0
    """Checks made, vacuous ones included."""

    @property
    def exercised_nothing(self) -> bool:
        """Whether no transaction succeeded, so that nothing can have been shown."""
        return not self.entry_points


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """What there is to reach and was not, in a fixed order."""

    entry_points: tuple[str, ...]
    """Functions participants can call."""
    stages: tuple[str, ...]
    invariants: tuple[str, ...]
    revert_reasons: tuple[str, ...]
    """Texts in the sources; many guard the deployment and the owner's setters, which no participant calls."""


def coverage_of(folder: Path, invariant_checks: int) -> Coverage:
    """Return what the run of a folder reached.

    Parameters
    ----------
    folder
        A finished run: its transactions, events and blocks are read.
    invariant_checks
        ``invariants_checked`` of its summary.

    Raises
    ------
    InputError
        A table is missing or damaged.
    """
    files = open_run(folder)
    transactions = _read(files, "transactions", ["kind", "status", "revert_reason"])
    called: Counter[str] = Counter()
    reverted: Counter[str] = Counter()
    for kind, status, reason in zip(
        *(transactions[name].to_pylist() for name in ("kind", "status", "revert_reason")), strict=True
    ):
        if status:
            called[kind] += 1
        else:
            reverted[reason or NO_REASON] += 1
    events = _read(files, "events", ["contract", "event", "data"])
    rows = list(zip(*(events[name].to_pylist() for name in ("contract", "event", "data")), strict=True))
    return Coverage(
        entry_points=_sorted(called),
        revert_reasons=_sorted(reverted),
        stages=_sorted(_stages(rows)),
        invariants=_sorted(_occasions(rows, files)),
        invariant_checks=invariant_checks,
    )


def total_coverage(parts: Iterable[Coverage]) -> Coverage:
    """Return the sum of the coverage of several runs."""
    counters: dict[str, Counter[str]] = {
        name: Counter() for name in ("entry_points", "revert_reasons", "stages", "invariants")
    }
    checks = 0
    for part in parts:
        for name, counter in counters.items():
            counter.update(getattr(part, name))
        checks += part.invariant_checks
    return Coverage(
        entry_points=_sorted(counters["entry_points"]),
        revert_reasons=_sorted(counters["revert_reasons"]),
        stages=_sorted(counters["stages"]),
        invariants=_sorted(counters["invariants"]),
        invariant_checks=checks,
    )


def unreached(coverage: Coverage) -> Unreached:
    """Return what the coverage leaves out, of Seawall's own contracts."""
    return Unreached(
        entry_points=_missing(GasProfile.load().entries, coverage.entry_points),
        stages=_missing(STAGES, coverage.stages),
        invariants=_missing((invariant.id for invariant in INVARIANTS), coverage.invariants),
        revert_reasons=_missing(declared_revert_reasons(), coverage.revert_reasons),
    )


def declared_revert_reasons(root: Path | None = None) -> tuple[str, ...]:
    """Return every revert reason in the contract sources, sorted.

    Parameters
    ----------
    root
        Folder of contracts instead of the shipped ones.
    """
    folder = contracts_root() if root is None else root
    found: set[str] = set()
    for source in sorted(folder.rglob("*.vy")):
        for line in source.read_text(encoding="utf-8").splitlines():
            found.update(_REASON.findall(line.partition("#")[0]))
    return tuple(sorted(found))


_Event = tuple[str, str, str]


def _stages(rows: Iterable[_Event]) -> Counter[str]:
    found: Counter[str] = Counter()
    for contract, event, data in rows:
        if (contract, event) == ("liquidation_engine", "Liquidated"):
            found["liquidation"] += 1
        elif event == "AutoDeleveraged":
            found["auto_deleverage"] += 1
        elif event == "BadDebtCovered":
            found["fund_draw"] += _amount(data, "amount") > 0
        elif event == "LossSocialized":
            found["socialized_loss"] += _amount(data, "amount") > 0
        elif (
            event == "GainUnpaid"
        ):  # the pool could not pay a gain: fund first, the rest is the winner's loss
            found["fund_draw"] += _amount(data, "fund_draw") > 0
            found["socialized_loss"] += _amount(data, "haircut") > 0
    return found


def _occasions(rows: Iterable[_Event], files: RunFiles) -> Counter[str]:
    """Return, for each invariant, how often what it speaks about was there."""
    found: Counter[str] = Counter()
    for contract, event, data in rows:
        if (contract, event) == ("liquidation_engine", "Liquidated"):
            found.update(("C1", "C4", "C9"))
        elif event == "MarginChecked":
            found["B1"] += _amount(data, "kind") != MarginCheck.MAINTENANCE  # that is a liquidation's
        elif contract == "insurance_fund" and event in ("Contributed", "Drawn", "Deposit", "Withdraw"):
            found["C6"] += 1
    blocks = _read(files, "blocks", ["market", "accounts_open", "bad_debt", "pending_deficit"]).to_pylist()
    for row in blocks:
        if row["market"] == 0:
            found["C7"] += row["bad_debt"] > 0
            found["C8"] += row["pending_deficit"] > 0
            found.update(item.id for item in INVARIANTS if item.id not in _ON_OCCASION)
        for name in ("A2", "A2o", "A2s", "A3"):
            found[name] += row["accounts_open"] > 0
    return found


_ON_OCCASION = frozenset(("A2", "A2o", "A2s", "A3", "B1", "C1", "C4", "C6", "C7", "C8", "C9"))
"""Invariants that hold of nothing until a position, a check, a liquidation or a loss is there.

The others compare balances that are never empty: every block is an occasion.
"""


def _read(files: RunFiles, table: str, columns: list[str]) -> pa.Table:
    return files.table(table).select(columns)


def _amount(data: str, name: str) -> int:
    return int(json.loads(data)[name])


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return {key: counter[key] for key in sorted(counter) if counter[key]}


def _missing(known: Iterable[str], seen: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(name for name in known if name not in seen)
