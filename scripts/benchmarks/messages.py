"""Time inside the EVM alone: every message of a recorded run, sent again to each engine in turn.

A run of ``flash_crash`` on ``native`` is recorded, set-up and blocks. Each engine gets the set-up, then the
messages of the blocks, whose processor time is taken; what comes back must be the same to the byte.

    python scripts/benchmarks/messages.py --engines native revm --accounts 1000
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, ClassVar, Final
from unittest import mock

ROOT: Final = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from sim.chain.backend import Outcome  # noqa: E402  (the path must be set first)
from sim.chain.native import backend as native  # noqa: E402
from sim.chain.native.backend import NativeBackend  # noqa: E402
from sim.core.errors import RunError  # noqa: E402
from sim.engine.options import RunOptions  # noqa: E402
from sim.engine.run import build_world, run_world  # noqa: E402
from sim.engine.scenario.load import load_scenario  # noqa: E402

SCENARIO: Final = ROOT / "scenarios" / "flash_crash.toml"

ENGINES: Final = {
    "native": ("sim.chain.native.backend", "NativeBackend"),
    "revm": ("sim.chain.revm", "RevmBackend"),
    "pyevm": ("sim.chain.pyevm", "PyevmBackend"),
}
MESSAGES: Final = ("start_block", "end_block", "deploy", "transact", "call")
"""What the engine of a plain run is asked."""

Message = tuple[str, tuple[Any, ...]]
"""Name of a method of `sim.chain.backend.Backend`, and its arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a run asked of its engine."""

    genesis_timestamp: int
    set_up: list[Message]
    blocks: list[Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """Processor seconds that an engine took for the blocks of a recording, by repetition."""

    engine: str
    messages: int
    seconds: list[float]

    def median(self) -> float:
        """Return the median of the repetitions."""
        return statistics.median(self.seconds)


class _Recorder(NativeBackend):
    """The engine ``native``, noting what it is asked."""

    made: ClassVar[list[_Recorder]] = []

    def __init__(self, genesis_timestamp: int) -> None:
        self.genesis_timestamp = genesis_timestamp
        self.messages: list[Message] = []
        super().__init__(genesis_timestamp)
        self.messages.clear()  # its own first block
        self.made.append(self)

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in MESSAGES:
            return found

        def noting(*arguments: Any) -> Any:
            self.messages.append((name, arguments))
            return found(*arguments)

        return noting


def record(accounts: int, blocks: int) -> Recording:
    """Run ``flash_crash`` and return everything that its engine was asked."""
    scenario = load_scenario(SCENARIO, overrides=[f"blocks={blocks}", f"traders.0.count={accounts}"])
    options = RunOptions(out=Path("unused"), engine="native", worlds="none")
    _Recorder.made.clear()
    with mock.patch.object(native, "NativeBackend", _Recorder):
        world = build_world(scenario, options, {})
    (noted,) = _Recorder.made
    at = len(noted.messages)
    run_world(world, blocks, settlement=0, since=perf_counter())
    messages = list(noted.messages)
    world.chain.close()
    return Recording(genesis_timestamp=noted.genesis_timestamp, set_up=messages[:at], blocks=messages[at:])


def replay(recording: Recording, engine: str) -> tuple[float, list[object]]:
    """Send a recording to a new world of an engine; return the seconds of its blocks and what came back."""
    module, name = ENGINES[engine]
    backend = getattr(import_module(module), name)(recording.genesis_timestamp)
    for name, arguments in recording.set_up:
        getattr(backend, name)(*arguments)
    messages = [(getattr(backend, name), arguments) for name, arguments in recording.blocks]
    started = process_time()  # one thread: what others do on the machine is not counted
    answers = [method(*arguments) for method, arguments in messages]
    seconds = process_time() - started
    backend.close()
    return seconds, [
        answer._replace(exact_gas=None) if isinstance(answer, Outcome) else answer for answer in answers
    ]


def compare(recording: Recording, engines: list[str], repetitions: int) -> list[Replayed]:
    """Replay a recording on engines in turn.

    Raises
    ------
    RunError
        Two of them answered a message differently.
    """
    seconds: dict[str, list[float]] = {engine: [] for engine in engines}
    first: list[object] | None = None
    for _ in range(repetitions):
        for engine, measured in seconds.items():
            taken, answers = replay(recording, engine)
            measured.append(taken)
            first = answers if first is None else first
            if answers != first:
                place = next(
                    i for i, pair in enumerate(zip(first, answers, strict=True)) if pair[0] != pair[1]
                )
                raise RunError(f"{engine} answers message {place} differently than {engines[0]}")
    return [
        Replayed(engine=engine, messages=len(recording.blocks), seconds=measured)
        for engine, measured in seconds.items()
    ]


def main() -> int:
    """Record, replay, print a JSON line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=["native", "revm"])
    parser.add_argument("--accounts", type=int, default=1_000)
    parser.add_argument("--blocks", type=int, default=720)
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    recording = record(options.accounts, options.blocks)
    results = compare(recording, options.engines, options.repetitions)
    first = results[0].median()
    listed = [
        {**asdict(one), "median": one.median(), "times_the_first": one.median() / first} for one in results
    ]
    print(json.dumps({"engines": listed}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
