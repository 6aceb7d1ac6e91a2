"""The evidence folder of a suite: what an auditor keeps, and can recompute without trusting who made it.

::

    manifest.json   versions, contract hashes, and for each scenario verdict, digest, expectations, coverage
    README.md       the table, what was and was not reached, how to recompute, what is not claimed
    rerun           POSIX shell script: replays every run and compares digests
    timing.json     wall clock, different every time
    runs/NAME/      the run's folder with all its inputs; NAME-crash/ if it broke an invariant

But for ``timing.json`` (the suite's and each run's) the folder is the same every time on one installation.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sim.core.errors import InputError
from sim.core.files import atomic_write_text, ensure_directory
from sim.core.folders import is_record, write_record
from sim.core.plugins import active
from sim.engine.results.crash import crash_folder
from sim.engine.results.folder import open_run
from sim.engine.results.manifest import versions
from sim.engine.results.result import (
    CRASH_FILE,
    FINDINGS,
    MARKER,
    REPORT,
    UNFINISHED,
    ResultsFolder,
    write_json,
)
from sim.experiments.suites.coverage import Coverage, unreached
from sim.experiments.suites.suite import FIGURES, ScenarioOutcome, SuiteResult, Watch, run_suite
from sim.metrics.book import METRICS

KIND = "seawall suite evidence"
RUNS = "runs"
FILES = (MARKER, UNFINISHED, FINDINGS, REPORT, "README.md", "rerun", "timing.json", RUNS)
"""Everything in an evidence folder."""

NON_CLAIMS = """\
- Not that the protocol is safe. The scenarios stayed within what their files say; other prices, other
  participants and other parameters were not tried.
- Not that the bounds are the right ones. Whoever wrote a scenario wrote its `[expect]`, often after seeing a
  run; a scenario that expects nothing passes whatever its losses.
- Not a probability. Each scenario is one path from one seed; nothing here says how often it would happen.
- Not a forecast. The market, its depth, gas and every participant follow stated assumptions, listed in
  each run's `manifest.json`.
- Not an audit of the contracts. The numbered invariants, and no others, are compared at the end of each
  block, not inside a transaction; what is listed above as never reached was not tested here at all.
- Not that what was reached is right. Coverage counts calls, reverts and losses; it does not judge them.
- Not about a deployment. The contract hashes are of bytecode compiled here; compare it with the code at an
  address before drawing conclusions about that.
- Not that a digest is right. An equal digest says that the same inputs lead to the same results again with
  the same versions; a mistake in the simulator is repeated with it.
- Not authorship. Nothing here is signed: who can change the folder can change its digests with it.
"""
"""What a reader might take the evidence for, and what it is not."""


def run_with_evidence(
    files: Sequence[Path],
    out: Path,
    *,
    engine: str | None = None,
    watch: Watch | None = None,
    finish: Callable[[SuiteResult, Path], object] | None = None,
) -> SuiteResult:
    """Run a suite and write its evidence folder, whole or not at all; see ``run_suite`` for the parameters.

    An earlier evidence folder at ``out`` is replaced, anything else is refused. A suite that was broken off
    leaves what it finished, and says so; earlier evidence then stays, and the new goes beside it.

    Parameters
    ----------
    finish
        Writes the report into the folder before it is put into place.

    Raises
    ------
    InputError
        ``out`` holds something else.
    RunError
        It cannot be written.
    """
    check_evidence_folder(out)
    earlier = out.is_dir() and any(out.iterdir())
    folder = ResultsFolder(out)
    try:
        runs = folder.path / RUNS
        ensure_directory(runs)
        result = _named_in_place(run_suite(files, engine=engine, runs=runs, watch=watch), folder)
        write_evidence(result, folder.path)
        if finish is not None:
            finish(result, folder.path)
        published = folder.publish() if result.asked is None or not earlier else _beside(folder)
    except BaseException:
        folder.discard()
        raise
    return replace(
        result,
        outcomes=tuple(
            outcome if outcome.folder is None else replace(outcome, folder=published / RUNS / outcome.name)
            for outcome in result.outcomes
        ),
    )


def partial_folder(out: Path) -> Path:
    """Return where a suite that was broken off goes if earlier evidence would be lost for it."""
    return out.with_name(f"{out.name}-partial")


def _beside(folder: ResultsFolder) -> Path:
    """Put what was finished beside earlier evidence, which is whole."""
    place = partial_folder(folder.folder)
    check_evidence_folder(place)
    if place.is_dir():
        shutil.rmtree(place)
    folder.path.rename(place)
    return place


def _named_in_place(result: SuiteResult, folder: ResultsFolder) -> SuiteResult:
    """Return the result with messages that name the final folder: the only one a user knows."""
    return replace(
        result,
        outcomes=tuple(
            replace(outcome, problems=tuple(folder.in_place(problem) for problem in outcome.problems))
            for outcome in result.outcomes
        ),
    )


def check_evidence_folder(out: Path) -> None:
    """Refuse a folder that holds anything but earlier evidence.

    Raises
    ------
    InputError
        It does: nobody's files are written over, not even those of a run, nor what lies beside evidence.
    """
    names = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    if not names:
        return
    if not is_record(out, MARKER, kind=KIND):
        raise InputError(
            f"--out {out}: holds files that are not the evidence of a suite, choose another folder"
        )
    foreign = [name for name in names if name not in FILES]
    if foreign:
        raise InputError(
            f"--out {out}: holds {foreign[0]} beside evidence, which would be lost; choose another folder"
        )


def write_evidence(result: SuiteResult, folder: Path) -> None:
    """Write everything but the runs, which ``run_suite`` has put into ``folder / "runs"``."""
    atomic_write_text(folder / "README.md", suite_markdown(result))
    script = folder / "rerun"
    atomic_write_text(script, rerun_script(result, folder / RUNS))
    script.chmod(0o755)
    write_json(folder / "timing.json", {outcome.name: outcome.seconds for outcome in result.outcomes})
    write_record(folder, MARKER, suite_manifest(result))


def suite_manifest(result: SuiteResult) -> dict[str, Any]:
    """Return what identifies the suite: versions, contracts, and each scenario's verdict and digest."""
    return {
        "kind": KIND,
        "versions": versions(),
        **({} if result.asked is None else {"finished": len(result.outcomes), "asked": result.asked}),
        "scenarios": [_entry(outcome) for outcome in result.outcomes],
        "coverage": asdict(result.coverage),
        "never_reached": asdict(unreached(result.coverage)),
    }


def _entry(outcome: ScenarioOutcome) -> dict[str, Any]:
    stored: Mapping[str, Any] = {}
    if outcome.folder is not None:
        stored = open_run(outcome.folder).manifest
    return {
        "name": outcome.name,
        "file": outcome.source.name,
        "verdict": outcome.verdict.value,
        "expects_nothing": outcome.expects_nothing,
        "digest": outcome.digest,
        **{
            key: stored.get(key)
            for key in ("seed", "blocks", "engine", "scenario_sha256", "contracts", "prices")
        },
        "expectations": [asdict(item) for item in outcome.expectations],
        "problems": list(outcome.problems),
        "coverage": asdict(outcome.coverage),
    }


def suite_markdown(result: SuiteResult) -> str:
    """Return the evidence as a page: table, coverage, how to recompute, what is not claimed."""
    lines = ["# Evidence of a suite", ""]
    if result.asked is not None:
        lines += [f"**Broken off: {result.label}.** Nothing is said of the others.", ""]
    lines += [*_table(result), ""]
    failing = [outcome for outcome in result.outcomes if outcome.failures]
    if failing:
        lines += ["## What did not pass", ""]
        lines += [
            f"- {_cell(outcome.name)}: {_cell(line)}" for outcome in failing for line in outcome.failures
        ]
        lines.append("")
    lines += _coverage_lines(result.coverage)
    lines += [
        "## Recompute it",
        "",
        "In a checkout of Seawall at the version in `manifest.json`, with its environment active:",
        "",
        "```",
        "./rerun                      # or: SEAWALL=/path/to/seawall ./rerun --engine ethtester",
        "```",
        "",
        "It executes every run again from its folder alone and compares every table, the summary, the",
        "contract hashes and the digest. Exit code 0 says that all are the same. That a digest is the one of",
        "the tables beside it takes no run and nothing of Seawall: `scripts/recompute_digest.py runs/NAME`.",
        *_plugin_lines(),
        "",
        "## What this does not claim",
        "",
        NON_CLAIMS,
    ]
    return "\n".join(lines)


def _table(result: SuiteResult) -> list[str]:
    labels = [METRICS[key].label.lower() for key in FIGURES]
    lines = [
        f"| scenario | verdict | lines met | {' | '.join(labels)} | digest |",
        f"|---|---|---:|{'---:|' * len(FIGURES)}---|",
    ]
    for outcome in result.outcomes:
        verdict = outcome.verdict.value + (", expects nothing" if outcome.expects_nothing else "")
        met = sum(item.met for item in outcome.expectations)
        figures = [_figure(outcome.summary.get(key)) for key in FIGURES]
        digest = f"`{outcome.digest}`" if outcome.digest else "none"
        cells = [_cell(outcome.name), verdict, f"{met} of {len(outcome.expectations)}", *figures, digest]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _coverage_lines(coverage: Coverage) -> list[str]:
    missing = unreached(coverage)
    lines = ["## What was reached", ""]
    for title, seen, never in (
        ("Entry points", coverage.entry_points, missing.entry_points),
        ("Waterfall stages", coverage.stages, missing.stages),
        ("Invariants with something to break", coverage.invariants, missing.invariants),
        ("Revert reasons", coverage.revert_reasons, missing.revert_reasons),
    ):
        lines += [f"**{title}**, {len(seen)} of {len(seen) + len(never)}", ""]
        lines += [f"- `{_cell(name)}`: {count:,}" for name, count in seen.items()]
        lines += [f"- never: {', '.join(f'`{_cell(name)}`' for name in never)}"] if never else []
        lines.append("")
    return [
        *lines,
        f"{coverage.invariant_checks:,} invariant checks. Calls of the deployment before the first block",
        "are not counted, and many of the revert reasons never seen guard that deployment and the owner's",
        "setters.",
        "",
    ]


def rerun_script(result: SuiteResult, runs: Path) -> str:
    """Return the shell script that recomputes every run of the suite.

    Parameters
    ----------
    runs
        Where the run folders are now, to see which runs left a crash report.
    """
    steps = []
    for outcome in result.outcomes:
        if outcome.digest is not None:
            steps.append(f"again {outcome.name} {outcome.digest}")
        elif (crash_folder(runs / outcome.name) / CRASH_FILE).is_file():
            steps.append(f"crash {crash_folder(runs / outcome.name).name}")
    return _SCRIPT.replace("@STEPS@", "\n".join(steps))


_SCRIPT = r"""#!/bin/sh
# Executes every run of this folder again and compares it with what is stored here. Needs the seawall command
# on the PATH, or its place in SEAWALL; further arguments go to seawall replay (--engine ethtester),
# and --plugin FILE.py, which must name every plug-in that took part, to seawall explain too.
# Exit code 0: there is a run here, every run is identical and every crash happens again.
set -u
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd) || exit 3
seawall=${SEAWALL:-seawall}
if ! command -v "$seawall" >/dev/null 2>&1; then
    echo "rerun: there is no command $seawall; activate Seawall's environment or set SEAWALL" >&2
    exit 3
fi
options=$*
plugins=
before=
for word in "$@"; do
    case $before in --plugin) plugins="$plugins --plugin $word" ;; esac
    before=$word
done
done_runs=0
failed=0

again() { # NAME DIGEST
    done_runs=$((done_runs + 1))
    if ! grep -q "\"digest\": \"$2\"" "$here/runs/$1/manifest.json"; then
        echo "different: $1: its folder does not have the digest $2"
        failed=$((failed + 1))
    # shellcheck disable=SC2086  (options are words)
    elif "$seawall" replay "$here/runs/$1" $options; then
        echo "           $2"
    else
        failed=$((failed + 1))
    fi
}

crash() { # FOLDER
    done_runs=$((done_runs + 1))
    # shellcheck disable=SC2086  (options are words)
    if ! "$seawall" explain "$here/runs/$1" $plugins; then
        failed=$((failed + 1))
    fi
}

@STEPS@

echo "$((done_runs - failed)) of $done_runs recomputed"
[ "$failed" -eq 0 ] && [ "$done_runs" -gt 0 ]
"""


def _plugin_lines() -> list[str]:
    """Return how to name the plug-ins that took part: those in force while this is written."""
    if not active():
        return []
    named = " ".join(f"--plugin PATH/{plugin.path.name}" for plugin in active())
    return [
        "",
        "Plug-ins took part, and each run holds copies in `inputs/plugins`. Nothing executes them unless",
        f"they are named; read them first: `./rerun {named}`.",
    ]


def _figure(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if isinstance(value, float) else "none"


def _cell(text: str) -> str:
    """Return text for a line of Markdown: a scenario's name or message must not end its table or code."""
    return text.replace("\r", " ").replace("\n", " ").replace("|", "\\|").replace("`", "'")
