"""The commands and their options. Engine and reports are slow to import: only commands that need them do."""

from pathlib import Path
from typing import Annotated

import typer

from sim import __version__
from sim.cli.options import (
    Engine,
    chosen_path,
    chosen_scenario,
    command_line_overrides,
    output_folder,
    shipped_folder,
)
from sim.cli.plugin_option import takes_plugins, takes_plugins_of
from sim.core.errors import InputError
from sim.core.extras import require
from sim.metrics.worlds import Worlds

app = typer.Typer(
    name="seawall",
    help="Stress-test margin protocols on their own bytecode.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(asked: bool) -> None:  # noqa: FBT001  (the library passes the option's value)
    if asked:
        typer.echo(f"seawall {__version__}")
        raise typer.Exit


@app.callback()
def seawall(
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Stress-test margin protocols on their own bytecode."""


EngineOption = Annotated[
    Engine | None, typer.Option(help="EVM to run on; the fastest one available by default.")
]
SeedOption = Annotated[int | None, typer.Option(help="Seed instead of the scenario's.")]
ChangesOption = Annotated[
    list[str] | None, typer.Option("--set", help="section.key=value; may be repeated.", metavar="A.B=C")
]
WorkersOption = Annotated[
    int | None, typer.Option(help="Processes; one for each processor by default, 0 for this one alone.")
]
DaskOption = Annotated[
    str | None, typer.Option(help="Address of a Dask scheduler, for example tcp://host:8786.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Run even more than 100,000 paths.")]
RetryOption = Annotated[
    bool, typer.Option("--retry-failed", help="Try paths afresh that failed three times.")
]
SweepFolder = Annotated[
    Path | None, typer.Option(help="Folder of results; results/NAME by default. The same one goes on.")
]
RunFolder = Annotated[Path, typer.Argument(help="Folder of a finished run.", metavar="RUN_DIR")]


@app.command()
@takes_plugins
def run(
    scenario: Annotated[str, typer.Argument(help="Scenario file, or the name of one that ships.")],
    *,
    prices: Annotated[Path | None, typer.Option(help="CSV or Parquet prices to replay in market 0.")] = None,
    engine: EngineOption = None,
    seed: SeedOption = None,
    whole_file: Annotated[
        bool, typer.Option("--whole-file", help="With --prices: run all of it, however long it is.")
    ] = False,
    blocks: Annotated[int | None, typer.Option(help="Blocks instead of the scenario's.")] = None,
    changes: ChangesOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of results; results/NAME-SEED[-pathK] by default.")
    ] = None,
    path: Annotated[
        int | None, typer.Option("--path", help="Run this path of the scenario, as experiments number them.")
    ] = None,
    populations: Annotated[
        int | None, typer.Option(help="With --path: books of accounts the paths take in turn; 1 by default.")
    ] = None,
    antithetic: Annotated[
        bool, typer.Option("--antithetic", help="With --path: odd paths mirror the price of the one before.")
    ] = False,
    worlds: Annotated[
        Worlds, typer.Option(help="Worlds run beside it: forced is that without the impact of forced flow.")
    ] = "forced",
    without_flow_of: Annotated[
        list[int] | None,
        typer.Option(
            "--without-flow-of",
            help="Also run without what this account's forced closes do to prices outside; repeatable.",
            metavar="ACCOUNT",
        ),
    ] = None,
    contracts: Annotated[
        Path | None, typer.Option(help="Folder of contracts to deploy instead of ours, laid out alike.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print summary.json and nothing else.")] = False,
) -> int:
    """Run one scenario and write its results and report."""
    from sim.engine.scenario.load import load_scenario

    chosen = chosen_path(path, populations, antithetic=antithetic)
    overrides = command_line_overrides(seed, blocks, changes or [])
    loaded = load_scenario(chosen_scenario(scenario), overrides=overrides)
    if prices is not None and not prices.is_file():
        raise InputError(f"{prices}: there is no such file")
    if whole_file and (prices is None or blocks is not None):
        raise InputError("--whole-file: says how much of --prices to run, and goes without --blocks")
    folder = output_folder(out, loaded.name, loaded.seed, path)
    from sim.cli.running import run_and_report
    from sim.engine.options import RunOptions, checked_contracts

    options = RunOptions(
        out=folder,
        engine=None if engine is None else engine.value,
        worlds=worlds,
        without_flow_of=tuple(without_flow_of or ()),
        prices=prices,
        keep_blocks=blocks is not None,
        whole_file=whole_file,
        contracts=None if contracts is None else checked_contracts(contracts),
        overrides=tuple(change if isinstance(change, str) else change.text for change in overrides),
        path=chosen,
    )
    return run_and_report(loaded, options, print_json=json)


@app.command()
@takes_plugins_of("folder")
def replay(
    folder: Annotated[Path, typer.Argument(help="Folder of a run or of a sweep.", metavar="FOLDER")],
    *,
    engine: EngineOption = None,
    sample: Annotated[
        int | None, typer.Option(help="Of a sweep: paths to execute again; 3 by default.", metavar="N")
    ] = None,
) -> int:
    """Execute a run, or some paths of a sweep, again and compare with what the folder says."""
    existing = _existing_folder(folder)
    from sim.cli.running import replay_and_compare

    return replay_and_compare(existing, engine=engine, sample=sample)


@app.command()
def account(
    folder: RunFolder,
    who: Annotated[
        str,
        typer.Argument(
            help="Number of a participant, or its group and place there: traders:3.", metavar="ACCOUNT"
        ),
    ],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Show one account's timeline: actions, what became of them, margin checks, liquidations."""
    existing = _existing_folder(folder)
    from sim.cli.account import print_account

    return print_account(existing, who, as_json=json)


@app.command()
@takes_plugins
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
@takes_plugins_of("experiment")
def sweep(
    experiment: Annotated[
        Path, typer.Argument(help="Experiment file, or the results folder of a sweep to go on with.")
    ],
    *,
    workers: WorkersOption = None,
    dask: DaskOption = None,
    out: SweepFolder = None,
    engine: EngineOption = None,
    shadow: Annotated[
        float | None,
        typer.Option(help="Share of the paths to run again on another engine, which must agree."),
    ] = None,
    yes: YesOption = False,
    retry_failed: RetryOption = False,
    json: Annotated[bool, typer.Option("--json", help="Print sweep.json and nothing else.")] = False,
) -> int:
    """Run many paths at many points, or go on where a sweep stopped."""
    if not experiment.exists():
        raise InputError(f"{experiment}: there is no such file or folder")
    from sim.cli.sweep import run_and_print_sweep
    from sim.experiments.sweep.executors import Workers

    return run_and_print_sweep(
        experiment,
        workers=Workers.of(workers, dask=dask),
        out=out,
        engine=None if engine is None else engine.value,
        shadow=shadow,
        confirmed=yes,
        retry_failed=retry_failed,
        print_json=json,
    )


@app.command()
@takes_plugins
def backtest(
    scenario: Annotated[str, typer.Argument(help="Scenario file, or the name of one that ships.")],
    *,
    prices: Annotated[Path | None, typer.Option(help="CSV or Parquet prices instead of its process.")] = None,
    market: Annotated[int, typer.Option(help="Market, numbered from 0.")] = 0,
    horizon_seconds: Annotated[
        int | None, typer.Option(help="Margin period of risk; staleness and latency by default.")
    ] = None,
    step_seconds: Annotated[
        int | None, typer.Option(help="Step of the series; the file's rows or one block by default.")
    ] = None,
    notional: Annotated[float, typer.Option(help="Size of the constant position, quote.")] = 10_000.0,
    windows: Annotated[int, typer.Option(help="Windows of the walk-forward validation.")] = 8,
    keepers: Annotated[
        bool, typer.Option("--keepers", help="Report on the keepers' deviation and heartbeat only.")
    ] = False,
    noise_runs: Annotated[int, typer.Option(help="Gaussian paths for the noise floor.")] = 3,
    reverse_runs: Annotated[
        int, typer.Option(help="Whole runs to bisect the scripted shock with; 0 is none.")
    ] = 0,
    engine: EngineOption = None,
    seed: SeedOption = None,
    changes: ChangesOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder; results/NAME-backtest-SEED by default.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print summary.json and nothing else.")] = False,
) -> int:
    """Test a scenario's margin model: coverage, shortfall, procyclicality, cover-n, walk-forward."""
    from sim.engine.scenario.load import load_scenario

    path = chosen_scenario(scenario)
    overrides = command_line_overrides(seed, None, changes or [])
    loaded = load_scenario(path, overrides=overrides)
    if prices is not None and not prices.is_file():
        raise InputError(f"{prices}: there is no such file")
    require("seawall backtest")
    from sim.cli.backtest import results_folder, run_and_print_backtest
    from sim.experiments.backtest.options import BacktestOptions

    options = BacktestOptions(
        market=market,
        prices=prices,
        horizon_seconds=horizon_seconds,
        step_seconds=step_seconds,
        notional=notional,
        folds=windows,
        keepers=keepers,
        noise_runs=noise_runs,
        reverse_runs=reverse_runs,
        engine=None if engine is None else engine.value,
        overrides=tuple(change if isinstance(change, str) else change.text for change in overrides),
    )
    return run_and_print_backtest(loaded, options, results_folder(out, loaded), print_json=json)


@app.command()
@takes_plugins
def compare(
    base: Annotated[str, typer.Argument(help="Current parameters: a scenario, or a file of parameters.")],
    proposed: Annotated[str, typer.Argument(help="Proposed parameters, likewise.")],
    *,
    scenario: Annotated[
        str | None, typer.Option(help="Scenario that files of parameters are laid over.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="Endpoints, margins and models; built in by default.")
    ] = None,
    paths: Annotated[int | None, typer.Option(help="Paths of each arm in each cell.")] = None,
    seed: SeedOption = None,
    workers: WorkersOption = None,
    dask: DaskOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of results; results/compare-BASE-PROPOSED by default.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print compare.json and nothing else.")] = False,
    yes: YesOption = False,
) -> int:
    """Judge a parameter change: better, not worse, worse or undetermined; exit 1 for the last two."""
    files = [chosen_scenario(argument) for argument in (base, proposed)]
    under = None if scenario is None else chosen_scenario(scenario)
    from sim.cli.compare import compare_and_print
    from sim.experiments.sweep.executors import Workers

    return compare_and_print(
        files[0],
        files[1],
        scenario=under,
        plan=plan,
        paths=paths,
        seed=seed,
        workers=Workers.of(workers, dask=dask),
        out=out,
        print_json=json,
        confirmed=yes,
    )


def _study_command(kind: str, meaning: str) -> None:
    """Add the command of one kind of study; they differ in what is done with the same options."""

    @app.command(kind, help=meaning)
    @takes_plugins
    def study(
        experiment: Annotated[
            Path, typer.Argument(help="Experiment file of this kind.", metavar="EXPERIMENT")
        ],
        *,
        workers: WorkersOption = None,
        dask: DaskOption = None,
        out: SweepFolder = None,
        engine: EngineOption = None,
        yes: YesOption = False,
        retry_failed: RetryOption = False,
        json: Annotated[bool, typer.Option("--json", help="Print KIND.json and nothing else.")] = False,
    ) -> int:
        require(f"seawall {kind}")
        from sim.cli.exploration import STUDIES, study_options

        return STUDIES[kind](
            study_options(experiment, workers, dask, out, engine, yes=yes, retry=retry_failed, json=json)
        )


for _kind, _meaning in (
    ("frontier", "Hold capital efficiency against tail loss, with joint confidence regions."),
    ("sensitivity", "Find which parameters matter: Morris screening, then Sobol indices."),
    ("optimise", "Search parameters under constraints, and judge the finalists on fresh paths."),
):
    _study_command(_kind, _meaning)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Folder that a command wrote.", metavar="FOLDER")],
) -> int:
    """Make the page of any command's results again, once its files are found unchanged; runs nothing."""
    existing = _existing_folder(folder)
    from sim.reporting.pages.remake import remake

    typer.echo(str(remake(existing)))
    return 0


@app.command()
def scenarios(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> int:
    """List the scenarios that ship."""
    from sim.cli.listing import print_scenarios

    print_scenarios(shipped_folder(), as_json=json)
    return 0


@app.command()
@takes_plugins
def schema() -> int:
    """Print the JSON Schema of a scenario file."""
    from sim.cli.listing import print_schema

    print_schema()
    return 0


@app.command()
@takes_plugins
def metrics(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> int:
    """Print the metric book: what every number of a run or path means."""
    from sim.cli.listing import print_metrics

    print_metrics(as_json=json)
    return 0


@app.command()
@takes_plugins_of("folder")
def explain(
    folder: Annotated[
        Path,
        typer.Argument(
            help="crash.json of a run that broke an invariant, its folder, or that of a run in which a "
            "margin formula failed.",
            metavar="FOLDER",
        ),
    ],
) -> int:
    """Replay a run to the block of its finding, and tell what happened there."""
    if not folder.exists():
        raise InputError(f"{folder}: there is no such file")
    from sim.cli.running import explain_finding

    return explain_finding(folder)


def _existing_folder(folder: Path) -> Path:
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    return folder
