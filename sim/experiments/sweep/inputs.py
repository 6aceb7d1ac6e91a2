"""The files a sweep reads, copied into its results folder: the folder alone can be resumed and moved."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from sim.core.digest import canonical_json, sha256_file, sha256_hex
from sim.core.errors import InputError, RunError
from sim.core.files import atomic_write_bytes, ensure_directory
from sim.core.folders import INPUT, Folder, damaged
from sim.core.plugins import PLUGINS, active
from sim.engine.options import with_imports
from sim.engine.scenario.load import load_scenario, parse_override
from sim.engine.scenario.schema import Scenario
from sim.experiments.sweep.design import Draw, override_text
from sim.experiments.sweep.ledger import LEDGER, Ledger
from sim.experiments.sweep.plan import Plan, Point, Stopping
from sim.experiments.sweep.result import SWEEP_FILE, open_sweep
from sim.metrics.book import METRICS
from sim.metrics.worlds import Worlds

T = TypeVar("T")

INPUTS = Path("inputs")
FILES = "files"
"""Folder, among the inputs, of the files that points name: they may come from anywhere."""
PLAN_FILE = "plan.json"

PlacedOverride = str | dict[str, str]
"""An override, or ``{"key": ..., "file": path below the results folder}`` for one that names a file."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """Every file of a plan, and its points with those files named by their place in the folder."""

    files: Mapping[Path, Path]
    """Path below the results folder -> where it is now."""
    hashes: Mapping[str, str]
    """Path below the results folder -> SHA-256."""
    scenario: Path
    """Path of the scenario below the results folder."""
    overrides: tuple[tuple[PlacedOverride, ...], ...]
    """Of each point."""
    models: Mapping[str, Path | None]
    """Every risk model: a name of one that ships, or that of a designer's file with its path."""
    trees: Mapping[str, str]
    """Path below the results folder of a file that imports others -> hash of them all."""

    def content_of(self, target: str) -> str:
        """Return the hash of a file by its path below the results folder, with all that it imports."""
        return self.trees.get(target, self.hashes[target])

    @property
    def of_the_scenario(self) -> dict[str, str]:
        """Path below the results folder -> hash, of the files that the scenario itself names."""
        chosen = ((INPUTS / FILES).as_posix() + "/", (INPUTS / PLUGINS).as_posix() + "/")
        return {
            target: digest
            for target, digest in self.hashes.items()
            if not target.startswith(chosen) and target != self.scenario.as_posix()
        }

    def copy(self, folder: Path) -> None:
        """Copy every file into the results folder, unless it is there already."""
        ensure_directory(folder)
        there = Folder(folder)
        for target, source in self.files.items():
            place = folder / target
            if there.has(target.as_posix()):
                there.open(target.as_posix(), INPUT).close()  # not a link, nor a pipe
            if place.is_file() and sha256_file(place) == self.hashes[target.as_posix()]:
                continue
            ensure_directory(place.parent)
            try:
                content = source.read_bytes()
            except OSError as error:
                raise InputError(f"{source}: cannot be read: {error.strerror or error}") from None
            if sha256_hex(content) != self.hashes[target.as_posix()]:
                raise RunError(f"{source}: changed while it was read, start again")
            atomic_write_bytes(place, content)

    def point_overrides(self, index: int, folder: Path) -> tuple[str, ...]:
        """Return the overrides of a point, files named by their copies in the folder."""
        return tuple(
            item if isinstance(item, str) else override_text(item["key"], str(folder / item["file"]))
            for item in self.overrides[index]
        )


def gather(plan: Plan) -> Inputs:
    """Load the scenario of every point and return the files they need.

    Raises
    ------
    InputError
        A point is no valid scenario or names a file that is not there; or the plan comes from a results
        folder and names a file outside it.
    """
    gathered = _Gathered(plan.scenario, plan.home)
    overrides = tuple(gathered.point(point) for point in plan.points)
    return Inputs(
        files=gathered.files,
        hashes={target.as_posix(): gathered.hashes[target] for target in sorted(gathered.files)},
        scenario=gathered.scenario,
        overrides=overrides,
        models=gathered.models,
        trees={target.as_posix(): digest for target, digest in gathered.trees.items()},
    )


class _Gathered:
    def __init__(self, scenario: Path, home: Path | None) -> None:
        self._source = scenario
        self._home = None if home is None else (home / INPUTS).resolve()
        self.trees: dict[Path, str] = {}
        self.scenario = INPUTS / scenario.name
        self.files: dict[Path, Path] = {}
        self.hashes: dict[Path, str] = {}
        self.models: dict[str, Path | None] = {}
        self._add(self.scenario, scenario)
        for plugin in active():
            target = INPUTS / PLUGINS / plugin.path.name
            self.files[target] = plugin.path  # named by the user: it may lie anywhere
            self.hashes[target] = plugin.sha256

    def point(self, point: Point) -> tuple[PlacedOverride, ...]:
        loaded = load_scenario(self._source, overrides=point.overrides)
        custom = loaded.file("protocol.risk_model") if loaded.protocol.is_custom_model else None
        self.models[custom.name if custom else loaded.protocol.risk_model] = custom
        return self._placed(point.overrides, loaded)

    def _placed(self, overrides: tuple[str, ...], scenario: Scenario) -> tuple[PlacedOverride, ...]:
        placed: list[PlacedOverride] = list(overrides)
        keys = [".".join(map(str, parse_override(text).path)) for text in overrides]
        after: list[tuple[int, PlacedOverride]] = []
        for reference, written in scenario.file_references():
            file = scenario.file(reference)
            setting = [
                index for index, key in enumerate(keys) if reference == key or reference.startswith(f"{key}.")
            ]
            if not setting:
                self._place(INPUTS / os.path.normpath(written), file)
                continue
            target = self._place_chosen(file)
            item: PlacedOverride = {"key": reference, "file": target.as_posix()}
            if keys[setting[-1]] == reference:
                placed[setting[-1]] = item
            else:  # a whole table was set: name the copy right after it
                after.append((setting[-1], item))
        for index, item in sorted(after, key=lambda entry: -entry[0]):
            placed.insert(index + 1, item)
        return tuple(placed)

    def _place(self, target: Path, file: Path) -> None:
        """Put a file that the scenario names where it names it, and what it imports around it."""
        tree = with_imports(file)
        for source, place in tree.items():
            beside = os.path.relpath(place, tree[file].parent)
            self._add(Path(os.path.normpath(target.parent / beside)) if source != file else target, source)
        self._remember(target, tree)

    def _place_chosen(self, file: Path) -> Path:
        """Put a file that a point names into a folder of its own, and return its place."""
        tree = with_imports(file)
        digest = self._hash(tree) if len(tree) > 1 else sha256_file(file)
        for source, place in tree.items():
            self._add(INPUTS / FILES / digest[:16] / place, source)
        target = INPUTS / FILES / digest[:16] / tree[file]
        self._remember(target, tree)
        return target

    def _remember(self, target: Path, tree: Mapping[Path, Path]) -> None:
        if len(tree) > 1:
            self.trees[target] = self._hash(tree)

    @staticmethod
    def _hash(tree: Mapping[Path, Path]) -> str:
        listed = [[place.as_posix(), sha256_file(source)] for source, place in tree.items()]
        return sha256_hex(canonical_json(sorted(listed)))

    def _add(self, target: Path, source: Path) -> None:
        if not target.is_relative_to(INPUTS) or target == INPUTS / PLAN_FILE:
            raise InputError(
                f"{source}: cannot be copied to {target}; import it from the folder of the file that does"
            )
        if self._home is not None and not source.resolve().is_relative_to(self._home):
            raise InputError(f"{source}: does not lie in {self._home}, which would be sent on; start afresh")
        if self.files.setdefault(target, source) != source:
            raise InputError(f"{source}: would take the place of {self.files[target]} in {target}")
        if target not in self.hashes:
            self.hashes[target] = sha256_file(source)


def plan_document(plan: Plan, inputs: Inputs) -> dict[str, Any]:
    """Return the plan as JSON data that names files by their place in the results folder."""
    return {
        "scenario": inputs.scenario.as_posix(),
        "seed": plan.seed,
        "paths": plan.paths,
        "populations": plan.populations,
        "worlds": plan.worlds,
        "antithetic": plan.antithetic,
        "sobol_points": plan.sobol_points,
        "draws": [asdict(draw) for draw in plan.draws],
        "stopping": None if plan.stopping is None else asdict(plan.stopping),
        "points": [
            {"name": point.name, "overrides": list(placed), "values": dict(point.values)}
            for point, placed in zip(plan.points, inputs.overrides, strict=True)
        ],
        "title": plan.title,
        "metrics": list(plan.metrics),
        **({"shadow": plan.shadow} if plan.shadow else {}),
        **({PLUGINS: [plugin.record() for plugin in active()]} if active() else {}),
    }


def plan_content(plan: Plan, inputs: Inputs) -> bytes:
    """Return the plan as the file that `read_plan` reads."""
    text = json.dumps(plan_document(plan, inputs), indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def read_plan(folder: Path, *, source: bytes = b"", engine: str | None = None) -> Plan:
    """Return the plan of a results folder, its files named by their copies there.

    Every input is held against what the ledger says of it.

    Raises
    ------
    InputError
        The folder holds no sweep, or an input is damaged.
    """
    files = Folder(folder, recorded_inputs(folder))
    name = (INPUTS / PLAN_FILE).as_posix()
    place = folder / name
    if not files.has(name):
        raise InputError(f"{place}: is missing: the folder holds no sweep; name one that does")
    found = files.json(name)
    for inner in files.names(INPUTS.name):  # a file more could stand in for one that is imported
        if files.hashes is not None:
            files.check(inner, INPUT)
    try:
        points = tuple(
            Point(
                index=index,
                name=_typed(item["name"], str),
                overrides=tuple(_override(entry, files) for entry in _typed(item["overrides"], list)),
                values=_typed(item["values"], dict),
            )
            for index, item in enumerate(_typed(found["points"], list))
        )
        plan = Plan(
            scenario=files.check(_typed(found["scenario"], str), INPUT),
            seed=_typed(found["seed"], int),
            paths=_typed(found["paths"], int),
            populations=_typed(found["populations"], int),
            worlds=_checked(found["worlds"], Worlds),
            antithetic=_typed(found["antithetic"], bool),
            sobol_points=_typed(found["sobol_points"], int),
            draws=tuple(Draw(**item) for item in _checked(found["draws"], tuple[Draw, ...])),
            stopping=Stopping(**_checked(found["stopping"], Stopping)) if found["stopping"] else None,
            points=points,
            title=_typed(found["title"], str),
            metrics=tuple(_typed(name, str) for name in _typed(found["metrics"], list)),
            source=source,
            engine=engine,
            shadow=_typed(found.get("shadow", 0.0), float),
            plugins=tuple(
                (_typed(item["file"], str), _typed(item["sha256"], str)) for item in found.get(PLUGINS, ())
            ),
            home=folder,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(damaged(place, f"is no plan of a sweep ({error})")) from None
    if not 0.0 <= plan.shadow <= 1.0:
        raise InputError(damaged(place, "is no plan of a sweep (shadow is a share from 0 to 1)"))
    if plan.paths < 1 or not plan.points or plan.populations < 1 or plan.sobol_points < 1:
        raise InputError(damaged(place, "is no plan of a sweep (nothing is to be run)"))
    return plan


def require_metrics(plan: Plan, folder: Path) -> None:
    """Refuse to execute the plan of a folder that names a metric which there is not.

    Raises
    ------
    InputError
        It does.
    """
    stopping = () if plan.stopping is None else (plan.stopping.metric,)
    unknown = [metric for metric in (*plan.metrics, *stopping) if metric not in METRICS]
    if unknown:
        what = f"names a metric that there is not ({unknown[0][:100]})"
        raise InputError(damaged(folder / INPUTS / PLAN_FILE, what))


def _typed(value: Any, kind: type[T]) -> T:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise TypeError(f"{str(value)[:40]!r} is no {kind.__name__}")
    return value


def _checked(value: Any, kind: Any) -> Any:
    """Return a value as it is, once it is known to fit a type: a number must not change its spelling."""
    TypeAdapter(kind).validate_python(value)
    return value


def _override(entry: Any, files: Folder) -> str:
    if isinstance(entry, str):
        return entry
    return override_text(_typed(entry["key"], str), str(files.check(entry["file"], INPUT).resolve()))


def recorded_inputs(folder: Path) -> Mapping[str, str] | None:
    """Return the hash of every input as the ledger records it, or the record of a folder without one.

    None if nothing is recorded yet.

    Raises
    ------
    InputError
        The ledger is damaged.
    """
    if not Folder(folder).has(LEDGER):
        return open_sweep(folder)[0].hashes if Folder(folder).has(SWEEP_FILE) else None
    with Ledger(folder, read_only=True) as ledger:
        recorded = ledger.plan().get("inputs")
    return dict(recorded) if isinstance(recorded, dict) else None


def localised(plan: Plan, inputs: Inputs, folder: Path) -> Plan:
    """Return the plan with every file named by its copy in the results folder."""
    absolute = folder.resolve()
    return replace(
        plan,
        scenario=absolute / inputs.scenario,
        plugins=tuple(
            (str(absolute / INPUTS / PLUGINS / plugin.path.name), plugin.sha256) for plugin in active()
        ),
        points=tuple(
            replace(point, overrides=inputs.point_overrides(index, absolute))
            for index, point in enumerate(plan.points)
        ),
    )


def identity(plan: Plan, inputs: Inputs) -> dict[str, Any]:
    """Return what must be equal for a plan to continue another: all that numbers depend on, except extent.

    Of files only their content counts. Points and paths are compared apart, because they may grow.
    """
    document = plan_document(plan, inputs)
    for key in ("points", "paths", "title", "metrics", "shadow"):
        document.pop(key, None)
    document["scenario"] = inputs.hashes[inputs.scenario.as_posix()]
    document["files"] = inputs.of_the_scenario
    return document


def point_identities(plan: Plan, inputs: Inputs) -> list[str]:
    """Return a hash of each point: its name, its overrides and the files they name."""
    return [
        sha256_hex(
            canonical_json(
                [
                    point.name,
                    [
                        item if isinstance(item, str) else [item["key"], inputs.content_of(item["file"])]
                        for item in placed
                    ],
                ]
            )
        )
        for point, placed in zip(plan.points, inputs.overrides, strict=True)
    ]
