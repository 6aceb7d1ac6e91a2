"""The files of a study: everything as JSON, and one table as Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.core.files import publish_file
from sim.engine.results.result import write_json
from sim.experiments.exploration.documents import document
from sim.experiments.exploration.optimise import Optimisation
from sim.experiments.exploration.sensitivity import Sensitivity
from sim.experiments.exploration.studies import FrontierStudy, OptimiseStudy, SensitivityStudy
from sim.metrics.statistics.intervals import Interval

if TYPE_CHECKING:
    import pandas as pd


def write_study(study: FrontierStudy | SensitivityStudy | OptimiseStudy, folder: Path) -> dict[str, Any]:
    """Write ``KIND.json`` and ``KIND.parquet`` into the results folder and return the former."""
    name, table = _table(study)
    content: dict[str, Any] = {
        "kind": name,
        **{key: value for key, value in document(study).items() if key != "results"},
        "stages": {
            stage: {
                "completed": result.completed,
                "total": result.total,
                "digest": result.digest,
                "folder": str(result.folder.relative_to(folder)) if result.folder != folder else ".",
            }
            for stage, result in study.results.items()
        },
    }
    write_json(folder / f"{name}.json", content)
    temporary = folder / f".{name}.parquet.tmp"
    table.to_parquet(temporary, index=False)
    publish_file(temporary, folder / f"{name}.parquet")
    return content


def _table(study: FrontierStudy | SensitivityStudy | OptimiseStudy) -> tuple[str, pd.DataFrame]:
    import pandas as pd  # noqa: PLC0415  (slow to import)

    if isinstance(study, FrontierStudy):
        return "frontier", pd.DataFrame(list(_frontier_rows(study)))
    if isinstance(study, SensitivityStudy):
        return "sensitivity", pd.DataFrame(_sensitivity_rows(study.found))
    return "optimise", pd.DataFrame(_optimise_rows(study.found))


def _frontier_rows(study: FrontierStudy) -> list[dict[str, Any]]:
    return [
        {
            "point": point.candidate.index,
            "name": point.candidate.name,
            **_spread(("efficiency", "loss"), point.objectives),
            "colour": study.colours[at],
            "event_share": study.sizes[at].estimate,
            "event_upper": study.sizes[at].upper,
            "on_front": point.on_front,
            "front_probability": point.front_probability,
            "dominated_beyond_chance": bool(point.dominated_by),
            "changes": point.candidate.changes,
            "simple": point.simple,
        }
        for at, point in enumerate(study.front.points)
    ]


def _sensitivity_rows(found: Sensitivity) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    if found.screening is not None:
        for output, of_output in zip(found.settings.outputs, found.screening.indices, strict=True):
            rows += [
                {
                    "stage": "screening", "output": output.label, "parameter": axis.key, "index": name,
                    **_spread(("",), (getattr(one, name),)), "noise": one.noise,
                    "kept": position in found.screening.kept,
                }
                for position, (axis, one) in enumerate(zip(found.screening.axes, of_output, strict=True))
                for name in ("mu", "mu_star", "sigma")
            ]  # fmt: skip
    if found.variance is not None:
        for output, shares in zip(found.settings.outputs, found.variance.indices, strict=True):
            rows += [
                {
                    "stage": "indices", "output": output.label, "parameter": axis.key, "index": name,
                    **_spread(("",), (getattr(share, field),)),
                }
                for axis, share in zip(found.variance.axes, shares.parameters, strict=True)
                for name, field in (("S1", "first"), ("ST", "total"))
            ]  # fmt: skip
            rows += [
                {
                    "stage": "indices", "output": output.label, "index": "S2",
                    "parameter": f"{found.variance.axes[one].key}, {found.variance.axes[two].key}",
                    **_spread(("",), (interval,)),
                }
                for one, two, interval in shares.pairs
            ]  # fmt: skip
    return rows


def _optimise_rows(found: Optimisation) -> list[dict[str, Any]]:
    chosen = {one.trial for one in found.contenders if one.trial is not None}
    names = [f"objective_{index}" for index in range(len(found.settings.objectives))]
    return [
        {
            "trial": trial.number,
            **trial.values,
            **dict(zip(names, trial.answer.objectives or [None] * len(names), strict=True)),
            **{f"violation_{index}": value for index, value in enumerate(trial.answer.violations)},
            "feasible": trial.feasible,
            "finalist": trial.number in chosen,
            "note": trial.answer.note,
        }
        for trial in found.trials
    ]


def _spread(names: Sequence[str], intervals: Sequence[Interval]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, interval in zip(names, intervals, strict=True):
        prefix = f"{name}_" if name else ""
        found |= {
            f"{prefix}estimate": interval.estimate,
            f"{prefix}lower": interval.lower,
            f"{prefix}upper": interval.upper,
        }
    return found
