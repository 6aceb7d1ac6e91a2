"""Prototype of one phase of the block loop as a path axis and as kernels: the figures of decision 14.

The phase is the borrowers' part of a block: everybody's equity and requirements (`AccountMirror.value`) and
the traders' decision (`TraderCohort.decide`). Its inputs are recorded in runs of ``flash_crash`` around the
crash, one in every `STEP` (6) blocks; world k of K is k recorded ones, 6 k blocks, ahead of world 0, so that
K worlds of one foundation crash nearly together. Forms:

- ``worlds``: what ships, one world after the other;
- ``axis``: one call for K worlds, every column with a leading axis;
- ``kernels``: one world after the other, loops over accounts in C (``scripts/benchmarks/python_half.c``).

All three must send the same actions, to the bit, or the script stops. Beside them it measures a whole run:
what the engine takes, and what all work on columns takes (the phase, the other agents, the fee market's bids,
states for agents, rows of markets). "whole run" is what a run would gain if all of that gained as the phase
does. First, the draws of background bids, the slowest loop over numbers alone.

    python scripts/prototype_python_half.py [--accounts 100 1000 10000] [--worlds 1 2 4 16 64]

Needs a C compiler (``cc``). Processor time; the least of the repetitions, the forms in turn.
"""

# ruff: noqa: SLF001 (a prototype of what stands inside)
from __future__ import annotations

import argparse
import ctypes
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402  (the path must be set first)

from scripts.benchmarks.block_loop import SCALED, SCENARIO  # noqa: E402
from sim.agents.arbitrageur import Arbitrageurs  # noqa: E402
from sim.agents.base import token_amounts  # noqa: E402
from sim.agents.liquidator import Liquidators  # noqa: E402
from sim.agents.oracle_keeper import OracleKeepers  # noqa: E402
from sim.agents.trader_cohort import TraderCohort  # noqa: E402
from sim.chain.fees import FeeMarket  # noqa: E402
from sim.chain.native.backend import NativeBackend  # noqa: E402
from sim.core.portable_math import exp, log, logistic  # noqa: E402
from sim.core.rng import Streams, _to_normal  # noqa: E402
from sim.core.units import GWEI, WAD, YEAR_SECONDS, to_wad_list  # noqa: E402
from sim.engine.blocks import loop  # noqa: E402
from sim.engine.blocks.loop import BlockLoop  # noqa: E402
from sim.engine.blocks.recorder import Recorder  # noqa: E402
from sim.engine.options import RunOptions  # noqa: E402
from sim.engine.run import execute  # noqa: E402
from sim.engine.scenario.load import load_scenario  # noqa: E402
from sim.protocol.mirror import AccountMirror, RatioCurve, Valuation  # noqa: E402
from sim.protocol.state import State  # noqa: E402

BASE_ACCOUNTS: Final = 1_000
FIRST_BLOCK, LAST_BLOCK, STEP = 200, 440, 6
_SCALE: Final = 1.0 / WAD


@dataclass(slots=True)
class Recorded:
    """One block of one world, as the phase sees it."""

    mirror: AccountMirror
    markets: tuple[Any, ...]
    curves: tuple[RatioCurve, ...]
    state: State


@dataclass(slots=True)
class Recording:
    """A run: its blocks around the crash, its traders, and where its time went."""

    blocks: list[Recorded] = field(default_factory=list)
    cohort: TraderCohort | None = None
    loop_seconds: float = 0.0
    engine_seconds: float = 0.0
    columns_seconds: float = 0.0
    phase_seconds: float = 0.0
    count: int = 0

    def fresh(self) -> TraderCohort:
        """Return the traders as they are before the first block."""
        if self.cohort is None:
            raise RuntimeError("nothing was recorded")
        return TraderCohort(self.cohort.section, self.cohort.population, self.cohort._index.actors)


def _timed(function: Callable[..., Any], add: Callable[[float], None]) -> Callable[..., Any]:
    def timed(*arguments: Any, **options: Any) -> Any:
        clock = time.process_time()
        try:
            return function(*arguments, **options)
        finally:
            add(time.process_time() - clock)

    return timed


def record(accounts: int) -> Recording:
    """Run ``flash_crash`` on the native engine and keep what the phase sees, and how long things take."""
    found = Recording()
    seen: dict[str, Any] = {}

    def add(name: str) -> Callable[[float], None]:
        def count(seconds: float) -> None:
            setattr(found, name, getattr(found, name) + seconds)

        return count

    def value(mirror: AccountMirror, markets: Any, curves: Any) -> Valuation:
        copied = object.__new__(AccountMirror)
        for name in ("size", "entry_notional", "funding_index", "entry_ratio", "collateral"):
            setattr(copied, name, getattr(mirror, name).copy() if is_kept() else getattr(mirror, name))
        seen["read"] = (copied, markets, curves)
        return timed_value(mirror, markets, curves)

    def decide(cohort: TraderCohort, state: State, draws: Streams) -> Any:
        found.count += 1
        seen["kept"] = FIRST_BLOCK <= state.block < LAST_BLOCK and state.block % STEP == STEP - 1
        if FIRST_BLOCK <= state.block < LAST_BLOCK and state.block % STEP == 0:
            found.blocks.append(Recorded(*seen["read"], state))
        found.cohort = cohort
        return timed_decide(cohort, state, draws)

    def is_kept() -> bool:
        return bool(seen.get("kept"))

    timed_value = _timed(AccountMirror.value, add("phase_seconds"))
    timed_decide = _timed(TraderCohort.decide, add("phase_seconds"))
    spies: list[tuple[Any, str, Any]] = [
        (AccountMirror, "value", value),
        (TraderCohort, "decide", decide),
        (NativeBackend, "call", _timed(NativeBackend.call, add("engine_seconds"))),
        (NativeBackend, "transact", _timed(NativeBackend.transact, add("engine_seconds"))),
        (BlockLoop, "run", _timed(BlockLoop.run, add("loop_seconds"))),
        (loop, "observe", _timed(loop.observe, add("columns_seconds"))),
    ]
    for place, name in (
        (Liquidators, "decide"),
        (OracleKeepers, "decide"),
        (Arbitrageurs, "decide"),
        (FeeMarket, "open_block"),
        (Recorder, "block"),
        (Recorder, "margin_calls"),
    ):
        spies.append((place, name, _timed(getattr(place, name), add("columns_seconds"))))
    overrides = [f"traders.0.count={accounts}"]
    if accounts > BASE_ACCOUNTS:
        overrides += [f"{key}={amount * accounts / BASE_ACCOUNTS!r}" for key, amount in SCALED.items()]
    scenario = load_scenario(SCENARIO, overrides=overrides)
    originals = [(place, name, getattr(place, name)) for place, name, _ in spies]
    try:
        for place, name, spy in spies:
            setattr(place, name, spy)
        execute(scenario, RunOptions(out=Path("unused"), engine="native", worlds="none"), {})
    finally:
        for place, name, original in originals:
            setattr(place, name, original)
    found.columns_seconds += found.phase_seconds
    return found


# --- the three forms ---


Actions = list[tuple[int, str, list[int], list[int], list[int]]]
"""World, entry point, senders, amounts or sizes, maximum fees."""


class World:
    """What ships: numpy over accounts, one world."""

    def __init__(self, recording: Recording) -> None:
        self.cohort = recording.fresh()

    def step(self, number: int, seen: Recorded, draws: Streams, out: Actions) -> Valuation:
        """Value everybody and let the traders decide."""
        valuation = seen.mirror.value(seen.markets, seen.curves)
        for batch in self.cohort.decide(seen.state, draws):
            out.append((number, batch.kind, batch.actors.tolist(), batch.args[1], batch.max_fee_wei))
        return valuation


class KernelWorld(World):
    """One world, its loops over accounts in C."""

    def __init__(self, recording: Recording, library: ctypes.CDLL) -> None:
        super().__init__(recording)
        self._library = library
        people, n = self.cohort.population, len(self.cohort.population)
        self._attentive = np.ascontiguousarray(people.attentive).view(np.uint8)
        self._automated = np.ascontiguousarray(people.automated).view(np.uint8)
        self._rows, self._chance = np.zeros(n, dtype=np.int64), np.zeros(n)

    def step(self, number: int, seen: Recorded, draws: Streams, out: Actions) -> Valuation:
        """Value everybody and let the traders decide."""
        mirror, state, market, curve = seen.mirror, seen.state, seen.markets[0], seen.curves[0]
        n = len(mirror.collateral)
        results = np.empty((5, n))
        ramp = market.ramped_maintenance_ratio / market.maintenance_ratio
        self._library.value(
            n, _at(mirror.size), _at(mirror.entry_notional), _at(mirror.funding_index),
            _at(mirror.entry_ratio), _at(mirror.collateral), market.risk_price * _SCALE,
            market.funding_index * _SCALE, ramp,
            len(curve.notionals), _at(curve.notionals), _at(curve.initial), _at(curve.maintenance),
            *(results.ctypes.data + 8 * n * row for row in range(5)),
        )  # fmt: skip
        section, cohort = self.cohort.section, self.cohort
        top_up, columns = section.top_up, cohort._index.columns
        variance = state.markets[section.market].variance_fast / WAD
        hourly = float(np.sqrt(max(variance, 1e-6) * 3_600.0 / YEAR_SECONDS))
        gas = log(max(state.base_fee_wei / GWEI, 1e-9) / top_up.reference_fee_gwei)
        count = self._library.pressed(
            len(cohort._index), _at(state.equity[columns]), _at(state.maintenance_requirement[columns]),
            _at(state.notional[columns]), _at(self._attentive), _at(self._automated),
            _at(cohort._silent_until), state.block, top_up.trigger_ratio, hourly,
            top_up.distance_weight, top_up.distance_floor,
            top_up.intercept, top_up.gas_weight * gas, top_up.mean_delay_seconds,
            float(state.seconds_per_block), _at(self._rows), _at(self._chance),
        )  # fmt: skip
        if count:
            rows, chance = self._rows[:count].copy(), self._chance[:count]
            name = f"agent:trader_cohort:{cohort.name}:top_up"
            uniform = draws.draw(name, state.block).uniform(len(cohort._index))[rows]
            rows = rows[uniform < chance]
            for batch in _acts(cohort, state, rows):
                out.append((number, batch.kind, batch.actors.tolist(), batch.args[1], batch.max_fee_wei))
        return Valuation(
            equity=results[0],
            notional=results[1],
            initial_requirement=results[2],
            maintenance_requirement=results[3],
            maintenance_ratio=results[4:5],
        )


def _acts(cohort: TraderCohort, state: State, rows: Any) -> Any:
    """Return what `TraderCohort._defend` does with those whose turn has come."""
    columns = cohort._index.columns
    top_up = cohort.section.top_up
    rows = rows[cohort._can_pay(state, rows)]
    if not len(rows):
        return
    equity, maintenance = state.equity[columns], state.maintenance_requirement[columns]
    amount = np.minimum(top_up.target_ratio * maintenance[rows] - equity[rows], state.wallet[columns][rows])
    pays = amount >= top_up.min_amount
    from sim.protocol import actions  # noqa: PLC0415

    if bool(np.any(pays)):
        accounts = cohort._index.actors[rows[pays]]
        fees = cohort._fees(state, rows[pays])
        yield actions.deposit(cohort.name, accounts, accounts, token_amounts(amount[pays]), fees)
    share = 1.0 - equity[rows] / (top_up.target_ratio * maintenance[rows])
    reduces = ~pays & (equity[rows] > 0.0) & (share > 0.0) & top_up.reduces_without_wallet
    market = cohort.section.market
    size = np.abs(state.sizes[market][columns][rows])
    chosen = reduces & (size > 0.0)
    if bool(np.any(chosen)):
        yield cohort._decrease(state, market, rows[chosen], to_wad_list(size[chosen] * share[chosen]))
    cohort._wait(state, rows[pays | reduces])


def _at(array: Any) -> int:
    return int(array.ctypes.data)


@dataclass(slots=True)
class Stacked:
    """One block of K worlds: every column with a leading axis. A path-axis loop would keep it so."""

    columns: dict[str, Any]
    scalars: dict[str, Any]
    states: list[State]
    curve: RatioCurve
    """The longest of them: each world's grid ends at its own largest position."""

    @classmethod
    def of(cls, blocks: list[Recorded]) -> Stacked:
        """Stack recorded blocks."""
        mirrors, markets = [seen.mirror for seen in blocks], [seen.markets[0] for seen in blocks]
        curves, states = [seen.curves[0] for seen in blocks], [seen.state for seen in blocks]
        columns = {
            name: np.stack([getattr(mirror, name)[0] for mirror in mirrors])
            for name in ("size", "entry_notional", "funding_index", "entry_ratio")
        }
        columns["collateral"] = np.stack([mirror.collateral for mirror in mirrors])
        for name in ("equity", "maintenance_requirement", "notional", "wallet"):
            columns[f"state_{name}"] = np.stack([getattr(state, name) for state in states])
        columns["state_sizes"] = np.stack([state.sizes[0] for state in states])
        scalars = {
            "price": np.array([[market.risk_price * _SCALE] for market in markets]),
            "index": np.array([[market.funding_index * _SCALE] for market in markets]),
            "ramp": np.array([[m.ramped_maintenance_ratio / m.maintenance_ratio] for m in markets]),
        }
        longest = max(curves, key=lambda curve: len(curve.notionals))
        for name in ("initial", "maintenance"):
            ratios = [getattr(curve, name) for curve in curves]
            missing = [len(longest.notionals) - len(column) for column in ratios]
            scalars[name] = np.stack(
                [np.pad(column, (0, more), "edge") for column, more in zip(ratios, missing, strict=True)]
            )
        return cls(columns, scalars, states, longest)


class Worlds:
    """K worlds in one call."""

    def __init__(self, recording: Recording, worlds: int) -> None:
        self.cohort = recording.fresh()
        self.silent_until = np.zeros((worlds, len(self.cohort._index)), dtype=np.int64)

    def step(self, seen: Stacked, draws: list[Streams], out: Actions) -> Valuation:
        """Value everybody in every world and let all traders decide."""
        c, s = seen.columns, seen.scalars
        size, price = c["size"], s["price"]
        funding = size * (s["index"] - c["funding_index"])
        held = np.abs(size) * price
        equity = c["collateral"] + (size * price - c["entry_notional"] - funding)
        at = seen.curve.next_points(held)
        target = np.take_along_axis(s["maintenance"], at, axis=1)
        ratio = np.minimum(target, np.maximum(s["ramp"] * target, c["entry_ratio"]))
        valuation = Valuation(
            equity=equity,
            notional=held,
            initial_requirement=held * np.take_along_axis(s["initial"], at, axis=1),
            maintenance_requirement=held * ratio,
            maintenance_ratio=np.where(size != 0.0, ratio, 0.0),
        )
        self._decide(seen, draws, out)
        return valuation

    def _decide(self, seen: Stacked, draws: list[Streams], out: Actions) -> None:
        cohort, states = self.cohort, seen.states
        section, people, own = cohort.section, cohort.population, cohort._index.columns
        top_up, block = section.top_up, np.array([[state.block] for state in states])
        equity, maintenance = (
            seen.columns["state_equity"][:, own],
            seen.columns["state_maintenance_requirement"][:, own],
        )
        pressed = (equity < top_up.trigger_ratio * maintenance) & people.attentive
        pressed &= (maintenance > 0.0) & (self.silent_until <= block)
        world, row = np.nonzero(pressed)
        if not len(world):
            return
        variance = np.array([state.markets[0].variance_fast / WAD for state in states])
        hourly = np.sqrt(np.maximum(variance, 1e-6) * 3_600.0 / YEAR_SECONDS)
        gas = log(
            np.array([max(state.base_fee_wei / GWEI, 1e-9) for state in states]) / top_up.reference_fee_gwei
        )
        notional = np.maximum(seen.columns["state_notional"][:, own][world, row], 1e-9)
        mine, needed = equity[world, row], maintenance[world, row]
        distance = (mine - needed) / (notional * hourly[world])
        pressure = top_up.distance_weight / np.maximum(distance, top_up.distance_floor)
        rate = logistic(top_up.intercept + pressure - (top_up.gas_weight * gas)[world])
        seconds = float(states[0].seconds_per_block)
        chance = 1.0 - exp(-(rate / top_up.mean_delay_seconds) * seconds)
        chance = np.where(people.automated[row], 1.0, chance)
        name = f"agent:trader_cohort:{cohort.name}:top_up"
        uniform = np.zeros(len(world))
        for number in np.unique(world).tolist():  # each world has streams of its own
            its = world == number
            drawn = draws[number].draw(name, states[number].block).uniform(len(cohort._index))
            uniform[its] = drawn[row[its]]
        human = np.array([section.fees.can_pay(state.base_fee_wei) for state in states])
        bot = np.array([section.automated_fees.can_pay(state.base_fee_wei) for state in states])
        may = (uniform < chance) & np.where(people.automated[row], bot[world], human[world])
        world, row, mine, needed = world[may], row[may], mine[may], needed[may]
        if not len(world):
            return
        wallet = seen.columns["state_wallet"][:, own][world, row]
        amount = np.minimum(top_up.target_ratio * needed - mine, wallet)
        pays = amount >= top_up.min_amount
        share = 1.0 - mine / (top_up.target_ratio * needed)
        reduces = ~pays & (mine > 0.0) & (share > 0.0) & top_up.reduces_without_wallet
        held = np.abs(seen.columns["state_sizes"][:, own][world, row])
        fees = np.array([[section.fees.bid(s.base_fee_wei)[0], section.automated_fees.bid(s.base_fee_wei)[0]]
                         for s in states])  # fmt: skip
        actors, fee = cohort._index.actors[row], fees[world, people.automated[row].astype(np.int64)]
        paid, closed = token_amounts(amount), to_wad_list(held * share)
        for kind, mask, values in (
            ("trading_desk.deposit", pays, paid),
            ("trading_desk.decrease_position", reduces, closed),
        ):
            for number in np.unique(world[mask]).tolist():  # the mempool of each world takes its own
                its = np.flatnonzero(mask & (world == number))
                out.append(
                    (number, kind, actors[its].tolist(), [values[i] for i in its.tolist()], fee[its].tolist())
                )
        acted = pays | reduces
        silent = block[world, 0] + cohort.latency_blocks + section.patience_blocks
        self.silent_until[world[acted], row[acted]] = silent[acted]


# --- measuring ---


def compile_kernels(folder: Path) -> ctypes.CDLL:
    """Compile the kernels as the engine's library is compiled: plain x86-64-v2 or what the machine has."""
    compiler = shutil.which("cc")
    if compiler is None:
        sys.exit("prototype_python_half: needs a C compiler, cc")
    target = folder / "python_half.so"
    source = ROOT / "scripts" / "benchmarks" / "python_half.c"
    flags = ["-std=gnu11", "-O2", "-ffp-contract=off", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, str(source), "-o", str(target), "-lm"], check=True)
    library = ctypes.CDLL(str(target))
    p, i, d = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
    library.value.argtypes = (i, p, p, p, p, p, d, d, d, i, p, p, p, p, p, p, p, p)
    library.value.restype = None
    library.pressed.argtypes = (i, p, p, p, p, p, p, i, d, d, d, d, d, d, d, d, p, p)
    library.pressed.restype = i
    library.normals.argtypes = (i, p, p)
    library.normals.restype = None
    return library


def measure_draws(library: ctypes.CDLL, count: int) -> tuple[float, float]:
    """Return the microseconds that normal draws take after their words: numpy, C; stop if they differ."""
    words = Streams(7).draw("mempool:background", 1).words(count)
    best = [float("inf"), float("inf")]
    drawn: list[Any] = [None, np.empty(count)]
    for _ in range(200):
        clock = time.process_time()
        drawn[0] = _to_normal(words)
        middle = time.process_time()
        library.normals(count, _at(words), _at(drawn[1]))
        best = [min(best[0], middle - clock), min(best[1], time.process_time() - middle)]
    if drawn[0].tolist() != drawn[1].tolist():
        sys.exit(f"prototype_python_half: {count} draws differ")
    return best[0] * 1e6, best[1] * 1e6


def measure(recording: Recording, worlds: int, library: ctypes.CDLL, repetitions: int) -> dict[str, float]:
    """Return microseconds a world and block of each form; stop if two forms send different actions."""
    steps, blocks = len(recording.blocks), recording.blocks
    seen = [[blocks[(t + k) % steps] for k in range(worlds)] for t in range(steps)]
    streams = [Streams(k) for k in range(worlds)]
    best: dict[str, float] = {}
    sent: dict[str, Any] = {}

    def one_by_one(make: Callable[[], World]) -> Actions:
        all_of_them, out = [make() for _ in range(worlds)], list[Any]()
        clock = time.process_time()
        for row in seen:
            for number, (world, block) in enumerate(zip(all_of_them, row, strict=True)):
                world.step(number, block, streams[number], out)
        note(time.process_time() - clock)
        return out

    def together() -> Actions:
        all_of_them, out = Worlds(recording, worlds), list[Any]()
        seconds = 0.0
        for row in seen:
            block = Stacked.of(row)  # not counted: a loop over worlds would keep its columns so
            clock = time.process_time()
            all_of_them.step(block, streams, out)
            seconds += time.process_time() - clock
        note(seconds)
        return out

    forms: dict[str, Callable[[], Actions]] = {
        "worlds": lambda: one_by_one(lambda: World(recording)),
        "axis": together,
        "kernels": lambda: one_by_one(lambda: KernelWorld(recording, library)),
    }
    taken = 0.0

    def note(seconds: float) -> None:
        nonlocal taken
        taken = seconds

    for _ in range(repetitions):
        for name, form in forms.items():
            out = form()
            best[name] = min(best.get(name, float("inf")), taken)
            sent[name] = sorted(out)
    if not sent["worlds"] or any(actions != sent["worlds"] for actions in sent.values()):
        sys.exit(f"prototype_python_half: {worlds} worlds: the forms send different actions, or none")
    return {name: seconds / (steps * worlds) * 1e6 for name, seconds in best.items()}


def main() -> None:
    """Record, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--worlds", type=int, nargs="+", default=[1, 2, 4, 16, 64])
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        library = compile_kernels(Path(scratch))
        for count in (8, 400, 100_000):
            shipped, compiled = measure_draws(library, count)
            ratio = shipped / compiled
            print(
                f"{count:7,} normal draws: {shipped:8.1f} us, kernel {compiled:8.1f} ({ratio:.1f}x)",
                flush=True,
            )
        for accounts in options.accounts:
            recording = record(accounts)
            whole, engine, columns, phase = (
                seconds / recording.count * 1e6
                for seconds in (
                    recording.loop_seconds,
                    recording.engine_seconds,
                    recording.columns_seconds,
                    recording.phase_seconds,
                )
            )
            print(
                f"\n{accounts:,} accounts, us a block: {whole:,.0f}, engine {engine:,.0f}, columns "
                f"{columns:,.0f}, the phase {phase:,.0f}; without columns: {whole / (whole - columns):.2f}x"
            )
            for worlds in options.worlds:
                cost = measure(recording, worlds, library, options.repetitions)
                line = f"  K = {worlds:2}: worlds {cost['worlds']:7.1f} us"
                for name in ("axis", "kernels"):
                    share = cost[name] / cost["worlds"]
                    run = whole / (whole - columns * (1.0 - share))
                    line += f", {name} {cost[name]:7.1f} ({1.0 / share:.2f}x; whole run {run:.2f}x)"
                print(line, flush=True)


if __name__ == "__main__":
    main()
