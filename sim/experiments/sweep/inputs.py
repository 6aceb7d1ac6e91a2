"""The files a sweep reads, copied into its results folder: the folder alone can be resumed and moved."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sim.core.digest import canonical_json, sha256_file, sha256_hex
from sim.core.errors import InputError, RunError
from sim.core.files import atomic_write_bytes, ensure_directory
from sim.core.plugins import PLUGINS, active
from sim.engine.scenario.load import load_scenario, parse_override
from sim.engine.scenario.schema import Scenario
from sim.experiments.sweep.design import Draw, override_text
from sim.experiments.sweep.plan import Plan, Point, Stopping

INPUTS = Path("inputs")
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

    def copy(self, folder: Path) -> None:
        """Copy every file into the results folder, unless it is there already."""
        for target, source in self.files.items():
            place = folder / target
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
        A point is no valid scenario or names a file that is not there.
    """
    gathered = _Gathered(plan.scenario)
    overrides = tuple(gathered.point(point) for point in plan.points)
    return Inputs(
        files=gathered.files,
        hashes={target.as_posix(): gathered.hashes[target] for target in sorted(gathered.files)},
        scenario=gathered.scenario,
        overrides=overrides,
        models=gathered.models,
    )


class _Gathered:
    def __init__(self, scenario: Path) -> None:
        self._source = scenario
        self.scenario = INPUTS / scenario.name
        self.files: dict[Path, Path] = {}
        self.hashes: dict[Path, str] = {}
        self.models: dict[str, Path | None] = {}
        self._add(self.scenario, scenario)
        for plugin in active():
            self._add(INPUTS / PLUGINS / plugin.path.name, plugin.path)

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
                self._add(INPUTS / os.path.normpath(written), file)
                continue
            target = INPUTS / "files" / sha256_file(file)[:16] / file.name
            self._add(target, file)
            item: PlacedOverride = {"key": reference, "file": target.as_posix()}
            if keys[setting[-1]] == reference:
                placed[setting[-1]] = item
            else:  # a whole table was set: name the copy right after it
                after.append((setting[-1], item))
        for index, item in sorted(after, key=lambda entry: -entry[0]):
            placed.insert(index + 1, item)
        return tuple(placed)

    def _add(self, target: Path, source: Path) -> None:
        if target not in self.files:
            self.files[target] = source
            self.hashes[target] = sha256_file(source)


def plan_document(plan: Plan, inputs: Inputs) -> dict[str, Any]:
    """Return the plan as JSON data that names files by their place in the results folder."""
    return {
        "scenario": inputs.scenario.as_posix(),
        "seed": plan.seed,
        "paths": plan.paths,
        "populations": plan.populations,
        "twin": plan.twin,
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
        **({PLUGINS: [plugin.record() for plugin in active()]} if active() else {}),
    }


def write_plan(plan: Plan, inputs: Inputs, folder: Path) -> None:
    """Write the plan into the results folder, for `read_plan`."""
    content = json.dumps(plan_document(plan, inputs), indent=1, ensure_ascii=False, allow_nan=False)
    atomic_write_bytes(folder / INPUTS / PLAN_FILE, content.encode() + b"\n")


def read_plan(folder: Path, *, source: bytes = b"", engine: str | None = None) -> Plan:
    """Return the plan of a results folder, its files named by their copies there.

    Raises
    ------
    InputError
        The folder holds no sweep.
    """
    try:
        found = json.loads((folder / INPUTS / PLAN_FILE).read_bytes())
        points = tuple(
            Point(
                index=index,
                name=item["name"],
                overrides=tuple(
                    entry
                    if isinstance(entry, str)
                    else override_text(entry["key"], str((folder / entry["file"]).resolve()))
                    for entry in item["overrides"]
                ),
                values=item["values"],
            )
            for index, item in enumerate(found["points"])
        )
        return Plan(
            scenario=folder / found["scenario"],
            seed=found["seed"],
            paths=found["paths"],
            populations=found["populations"],
            twin=found["twin"],
            antithetic=found["antithetic"],
            sobol_points=found["sobol_points"],
            draws=tuple(Draw(**item) for item in found["draws"]),
            stopping=None if found["stopping"] is None else Stopping(**found["stopping"]),
            points=points,
            title=found["title"],
            metrics=tuple(found["metrics"]),
            source=source,
            engine=engine,
            plugins=tuple((item["file"], item["sha256"]) for item in found.get(PLUGINS, ())),
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{folder}: holds no sweep ({INPUTS / PLAN_FILE} is missing or damaged)") from None


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
    for key in ("points", "paths", "title", "metrics"):
        del document[key]
    document["scenario"] = inputs.hashes[inputs.scenario.as_posix()]
    return document


def point_identities(plan: Plan, inputs: Inputs) -> list[str]:
    """Return a hash of each point: its name, its overrides and the files they name."""
    return [
        sha256_hex(
            canonical_json(
                [
                    point.name,
                    [
                        item if isinstance(item, str) else [item["key"], inputs.hashes[item["file"]]]
                        for item in placed
                    ],
                ]
            )
        )
        for point, placed in zip(plan.points, inputs.overrides, strict=True)
    ]
