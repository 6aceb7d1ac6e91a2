#!/usr/bin/env python3
"""The headline study: what volatility-scaled margin does to a cascade, to the fund and to capital.

Runs the sweeps of ``docs/study/*.toml`` (a stopped study goes on where it was) and writes
``docs/study/README.md``, its appendix, its figures and ``docs/study/numbers.json``.

    scripts/study.py [--workers 2] [--results results/study] [--study docs/study]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from scripts.study_pages import figures  # noqa: E402  (the path must be set first)
from scripts.study_pages.appendix import appendix  # noqa: E402
from scripts.study_pages.numbers import calm_numbers, crash_numbers  # noqa: E402
from scripts.study_pages.page import document  # noqa: E402
from sim.api import Sweep, sweep  # noqa: E402
from sim.core.digest import sha256_file  # noqa: E402
from sim.core.errors import SeawallError  # noqa: E402
from sim.core.files import atomic_write_text  # noqa: E402
from sim.engine.blocks.run_digest import SCHEMA_VERSION  # noqa: E402

STUDY = ROOT / "docs" / "study"
EXPERIMENTS = ("crash", "calm")


def numbers_of(sweeps: dict[str, Sweep], folder: Path) -> dict[str, Any]:
    """Return ``numbers.json``: estimates, and what makes them checkable; experiments lie in `folder`."""
    found: dict[str, Any] = {"sweeps": {}}
    for name, done in sweeps.items():
        paths = done.to_pandas()
        names = dict(zip(done.points["point"], done.points["name"], strict=True))
        estimate = crash_numbers if name == "crash" else calm_numbers
        found[name] = estimate(paths, names)
        first = paths[paths["path"] == 0]
        found["sweeps"][name] = {
            "title": done.result.provenance()["title"],
            "experiment_sha256": sha256_file(folder / f"{name}.toml"),
            "digest": done.digest,
            "digest_schema_version": SCHEMA_VERSION,
            "label": done.result.label,
            "first_paths": {
                names[point]: digest for point, digest in zip(first["point"], first["digest"], strict=True)
            },
        }
    return found


def main() -> int:
    """Run what is missing and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "study")
    parser.add_argument(
        "--study", type=Path, default=STUDY, help="folder of crash.toml and calm.toml, and of the page"
    )
    arguments = parser.parse_args()
    folder = arguments.study
    try:
        sweeps = {
            name: sweep(
                folder / f"{name}.toml",
                workers=arguments.workers,
                out=arguments.results / name,
                progress=True,
            )
            for name in EXPERIMENTS
        }
    except SeawallError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    partial = [done.result.label for done in sweeps.values() if not done.result.is_complete]
    if partial:
        print(f"not all paths finished: {', '.join(partial)}; no page is made of them", file=sys.stderr)
        return 3
    numbers = numbers_of(sweeps, folder)
    crash, calm = numbers["crash"], numbers["calm"]
    pages = {
        "README.md": document(numbers),
        "appendix.md": appendix(numbers),
        "numbers.json": json.dumps(numbers, indent=1, allow_nan=False) + "\n",
        "cascade_against_fund.svg": figures.cascade_against_fund(crash),
        "capital_against_tail.svg": figures.capital_against_tail(crash, calm),
        "hurt_liquidated_share.svg": figures.where_it_hurts(crash, "liquidated_share"),
        "hurt_uncovered_loss_ratio.svg": figures.where_it_hurts(crash, "uncovered_loss_ratio"),
    }
    for name, text in pages.items():
        atomic_write_text(folder / name, text)
    print(folder / "README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
