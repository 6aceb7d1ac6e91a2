"""What is written down, and hashed, before the first path runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.core.digest import sha256_hex
from sim.core.errors import InputError
from sim.core.files import atomic_write_bytes, atomic_write_text, ensure_directory
from sim.core.folders import RECORD, Folder
from sim.engine.results.manifest import versions
from sim.experiments.decision.arms import Arms
from sim.experiments.decision.cells import MarketCell
from sim.experiments.decision.plan import ComparePlan
from sim.experiments.sweep.design import Draw
from sim.experiments.sweep.inputs import Inputs, gather, plan_document
from sim.experiments.sweep.plan import Plan, Point
from sim.experiments.sweep.runner import contract_hashes
from sim.metrics.book import worlds_needed

PLAN_FILE = "plan.toml"
REGISTRATION_FILE = "registration.json"
SWEEP_FOLDER = "paths"
CONFIRMATION_FOLDER = "confirmation"
ARMS = ("current", "proposed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A comparison as it was registered."""

    sha256: str
    """Of ``registration.json``: stands for the plan, both parameter sets, the cells and the contracts."""
    plan_sha256: str
    """Of ``plan.toml``."""
    record: Mapping[str, Any]
    """``registration.json``."""
    main: Plan
    confirmation: Plan
    inputs: Inputs

    def point(self, cell: int, arm: int) -> int:
        """Return the point of a cell and an arm, 0 the current and 1 the proposed one."""
        return len(ARMS) * cell + arm


def confirmation_seed(seed: int) -> int:
    """Return the seed of the confirmation: 63 bits of SHA-256, so that no path is run twice.

    It draws a fresh book of accounts too: population 0 of a scenario belongs to its seed.
    """
    digest = hashlib.sha256(f"seawall compare confirmation\0{seed}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def prepare(arms: Arms, plan: ComparePlan, cells: Sequence[MarketCell]) -> Registration:
    """Return the registration of a comparison; nothing is written.

    Raises
    ------
    InputError
        A cell makes no valid scenario, or a risk model does not compile.
    """
    seed = arms.scenario.seed if plan.seed is None else plan.seed
    points = tuple(
        Point(
            index=len(ARMS) * position + number,
            name=f"{cell.name}, {name}",
            overrides=(*overrides, *cell.overrides),
        )
        for position, cell in enumerate(cells)
        for number, (name, overrides) in enumerate(zip(ARMS, arms.enacted, strict=True))
    )
    title = plan.title or f"{arms.proposed.source.stem} against {arms.current.source.stem}"
    draws = tuple(Draw(**item.model_dump()) for item in plan.draws)
    metrics = tuple(dict.fromkeys(endpoint.metric for endpoint in plan.all_endpoints()))
    main = Plan(
        scenario=arms.file, seed=seed, paths=plan.paths, points=points, populations=plan.populations,
        draws=draws, worlds=worlds_needed(metrics), metrics=metrics[:4], title=title,
    )  # fmt: skip
    again = confirmation_seed(seed)
    confirmation = Plan(
        scenario=arms.file, seed=again, paths=plan.confirmation_paths or plan.paths, points=points,
        populations=plan.populations, draws=draws, worlds=main.worlds, metrics=metrics[:4],
        title=f"{title}, confirmation",
    )  # fmt: skip
    inputs = gather(main)
    record = {
        "what": "registered before the first path was run",
        "plan_sha256": plan.sha256,
        "plan": json.loads(plan.model_dump_json(exclude_none=True)),
        "scenario": arms.scenario.name,
        "current": {"file": arms.current.source.name, "sha256": arms.current.sha256, **arms.current.record()},
        "proposed": {
            "file": arms.proposed.source.name, "sha256": arms.proposed.sha256, **arms.proposed.record(),
        },
        "changes": [[item.parameter, item.before, item.after] for item in arms.changes],
        "seed": seed,
        "confirmation_seed": again,
        "paths": main.paths,
        "confirmation_paths": confirmation.paths,
        "points": plan_document(main, inputs)["points"],
        "inputs": dict(inputs.hashes),
        "contracts": contract_hashes(inputs),
        "versions": {name: value for name, value in versions().items() if name != "python"},
    }  # fmt: skip
    return Registration(
        sha256=sha256_hex(_content(record)),
        plan_sha256=plan.sha256,
        record=record,
        main=main,
        confirmation=confirmation,
        inputs=inputs,
    )


def register(registration: Registration, plan: ComparePlan, folder: Path) -> None:
    """Write plan and registration into the results folder, or check that they are there already.

    Raises
    ------
    InputError
        The folder holds another comparison, or files that are none.
    RunError
        It cannot be written.
    """
    place = folder / REGISTRATION_FILE
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out {folder}: is a file, not a folder")
    if place.is_file():
        if sha256_hex(Folder(folder).read(REGISTRATION_FILE, RECORD)) != registration.sha256:
            raise InputError(
                f"--out {folder}: holds another comparison ({REGISTRATION_FILE} differs), choose another"
                " folder"
            )
        return
    if folder.is_dir() and any(path.name != PLAN_FILE for path in folder.iterdir()):
        raise InputError(f"--out {folder}: holds files that are not a comparison, choose another folder")
    ensure_directory(folder)
    atomic_write_text(folder / PLAN_FILE, plan.text())
    atomic_write_bytes(place, _content(registration.record))


def _content(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"
