#!/usr/bin/env python3
"""Run the crashes that ship in all four worlds, two seeds each, and write the table into docs/worlds.md."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.page_marks import put_between  # noqa: E402  (the project must be on the path first)
from sim.engine.options import RunOptions  # noqa: E402
from sim.engine.run import execute, load_histories, run_beside, summarise, world_beside  # noqa: E402
from sim.engine.scenario.load import load_scenario  # noqa: E402
from sim.engine.worlds.feedback import Feedback  # noqa: E402

PAGE = ROOT / "docs" / "worlds.md"
RUNS = (("flash_crash", None), ("flash_crash", 5), ("black_thursday", None), ("black_thursday", 5))
HEAD = (
    "| | the run | no price feedback | no margin feedback | neither | `excess_share` | gross | avoided | "
    "brought forward (median) | `price_effect` | `margin_effect` | interaction | excess bad debt, of |"
)
START, END = "<!-- table -->", "<!-- end of table -->"


def row(name: str, seed: int | None) -> str:
    """Run one scenario in all worlds and return its line."""
    overrides = [] if seed is None else [f"seed={seed}"]
    scenario = load_scenario(ROOT / "scenarios" / f"{name}.toml", overrides=overrides)
    options = RunOptions(out=Path(), worlds="all")
    histories = load_histories(scenario, options)
    run = execute(scenario, options, histories)

    def other(feedback: Feedback) -> object:
        return world_beside(scenario, options, histories, feedback)

    beside = run_beside("all", run, other)
    run.world.chain.close()
    found = summarise(run, beside)
    notionals = [run, *beside.values()]
    cells = [f"{one.recorder.totals.liquidated_notional / 1_000:,.0f}" for one in notionals]
    cells += [f"{found[key]:.3f}" for key in ("excess_share", "gross_excess_share", "avoided_share")]
    cells.append(f"{found['brought_forward_share']:.2f} ({found['brought_forward_seconds']} s)")
    effects = ("price_effect", "margin_effect", "feedback_interaction")
    cells += [f"{found[key] / 1_000:,.0f}" for key in effects]
    cells.append(f"{found['excess_bad_debt'] / 1_000:.1f}, {found['bad_debt'] / 1_000:.1f}")
    label = name if seed is None else f"{name}, seed {seed}"
    return f"| {label} | {' | '.join(cells)} |"


def main() -> int:
    """Measure and write."""
    lines = [HEAD, "|---" * HEAD.count(" | ") + "|---|", *(row(*run) for run in RUNS)]
    put_between(PAGE, START, END, "\n".join(lines))
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
