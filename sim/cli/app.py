"""The commands and their options. Engine and reports are slow to import: only commands that need them do."""

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import Engine, chosen_scenario, command_line_overrides, output_folder, shipped_folder
from sim.core.errors import InputError

app = typer.Typer(
    name="seawall",
    help="Stress-test margin protocols on their own bytecode.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

EngineOption = Annotated[
    Engine | None, typer.Option(help="EVM to run on; the fastest one available by default.")
]
RunFolder = Annotated[Path, typer.Argument(help="Folder of a finished run.", metavar="RUN_DIR")]


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(help="Scenario file, or the name of one that ships.")],
    *,
    prices: Annotated[Path | None, typer.Option(help="CSV or Parquet prices to replay in market 0.")] = None,
    engine: EngineOption = None,
    seed: Annotated[int | None, typer.Option(help="Seed instead of the scenario's.")] = None,
    blocks: Annotated[int | None, typer.Option(help="Blocks instead of the scenario's.")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="section.key=value; may be repeated.", metavar="A.B=C")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of results; results/NAME-SEED by default.")] = None,
    no_twin: Annotated[bool, typer.Option("--no-twin", help="Skip the run without forced flow.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print summary.json and nothing else.")] = False,
) -> int:
    """Run one scenario and write its results and report."""
    from sim.engine.scenario_load import load_scenario

    path = chosen_scenario(scenario)
    overrides = command_line_overrides(seed, blocks, changes or [])
    loaded = load_scenario(path, overrides=overrides)
    if prices is not None and not prices.is_file():
        raise InputError(f"{prices}: there is no such file")
    folder = output_folder(out, loaded.name, loaded.seed)
    from sim.cli.running import run_and_report
    from sim.engine.options import RunOptions

    options = RunOptions(
        out=folder,
        engine=None if engine is None else engine.value,
        twin=not no_twin,
        prices=prices,
        keep_blocks=blocks is not None,
        overrides=tuple(change if isinstance(change, str) else change.text for change in overrides),
    )
    return run_and_report(loaded, options, print_json=json)


@app.command()
def replay(folder: RunFolder, *, engine: EngineOption = None) -> int:
    """Execute a run again and compare it with what its folder says."""
    existing = _existing_folder(folder)
    from sim.cli.running import replay_and_compare

    return replay_and_compare(existing, engine=engine)


@app.command()
def suite(
    scenarios: Annotated[
        list[str],
        typer.Argument(help="Folders of scenarios, scenario files, or names of ones that ship."),
    ],
    *,
    junit: Annotated[Path | None, typer.Option(help="Write the outcome as JUnit XML.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of evidence: runs, manifest, rerun script.")
    ] = None,
    engine: EngineOption = None,
) -> int:
    """Run scenarios and hold each against its [expect]; exit 1 if a line does not hold."""
    places = [chosen_scenario(argument) for argument in scenarios]
    from sim.cli.suite import run_and_print_suite

    return run_and_print_suite(places, junit=junit, out=out, engine=None if engine is None else engine.value)


@app.command()
def report(folder: RunFolder) -> int:
    """Make the HTML report of a run again."""
    from sim.reporting.report import write_report

    typer.echo(str(write_report(_existing_folder(folder))))
    return 0


@app.command()
def scenarios(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> int:
    """List the scenarios that ship."""
    from sim.cli.listing import print_scenarios

    print_scenarios(shipped_folder(), as_json=json)
    return 0


@app.command()
def schema() -> int:
    """Print the JSON Schema of a scenario file."""
    from sim.cli.listing import print_schema

    print_schema()
    return 0


@app.command()
def explain(
    crash_report: Annotated[
        Path, typer.Argument(help="crash.json of a run that broke an invariant, or its folder.")
    ],
) -> int:
    """Replay a crash report to the block that broke an invariant."""
    if not crash_report.exists():
        raise InputError(f"{crash_report}: there is no such file")
    from sim.cli.running import explain_crash

    return explain_crash(crash_report)


def _existing_folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    return folder
