"""What a scenario expects of its run, and whether the run met it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from sim.core.documents.sections import Problem, Section
from sim.metrics.book import DIGEST, METRICS, metric_problem, path_metrics, why_undefined
from sim.metrics.worlds import OtherWorld

OF_EVERY_RUN = "invariant_violations"
"""Metric that every run is held to, whatever its prices and however long: to expect it alone is to expect
nothing."""


class ExpectSection(Section):
    """What must hold of a run's metrics: keys ``min_METRIC``, ``max_METRIC`` and ``equals`` tables.

    ``min_liquidations = 1`` asks for at least one liquidation; ``equals = { invariant_violations = 0 }`` asks
    for equality, and takes text and booleans too. Every metric of the book can be named
    (``seawall metrics``), and in ``equals`` the ``digest``.
    """

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    equals: dict[str, float | bool | str] = Field(
        {}, description="Values that must be met exactly.", max_length=64
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the schema with a bound for every metric of the book, so that editors complete them."""
        schema = handler.resolve_ref_schema(handler(core))
        schema["additionalProperties"] = False
        for metric in METRICS:
            for side, words in (("min", "at least"), ("max", "at most")):
                schema["properties"][f"{side}_{metric.name}"] = {
                    "type": "number",
                    "unit": metric.unit,
                    "description": f"{metric.label}, {words}. {metric.meaning}",
                }
        return schema

    def expectations(self) -> dict[str, dict[str, object]]:
        """Return the bounds by metric, for example ``{"bad_debt": {"min": 0.0, "max": 10.0}}``."""
        found: dict[str, dict[str, object]] = {}
        for name, value in (self.__pydantic_extra__ or {}).items():
            side, _, key = name.partition("_")
            found.setdefault(key, {})[side] = value
        for key, exact in self.equals.items():
            found.setdefault(key, {})["equals"] = exact
        return found

    def problems(self) -> Iterator[Problem]:
        """Yield names that are no metric and bounds that are not numbers."""
        for name, value in (self.__pydantic_extra__ or {}).items():
            side, _, key = name.partition("_")
            if side not in ("min", "max"):
                yield (name,), "must be min_ or max_ followed by a metric (seawall metrics), or equals"
            elif wrong := metric_problem(key):
                yield (name,), wrong
            elif isinstance(value, bool) or not isinstance(value, int | float):
                yield (name,), f"must be a number, was {value!r}"
        for key in self.equals:
            if key != DIGEST and (wrong := metric_problem(key)):
                yield ("equals", key), wrong


def worlds_of(key: str) -> set[OtherWorld]:
    """Return the worlds beside the run that an expectation needs."""
    return set() if key == DIGEST else set(METRICS[key].worlds)


def check_expectations(
    expectations: Mapping[str, Mapping[str, object]],
    summary: Mapping[str, object],
    *,
    worlds: tuple[OtherWorld, ...],
) -> list[tuple[str, bool]]:
    """Return one (line, passed) for each bound of a scenario's ``[expect]``.

    Parameters
    ----------
    expectations
        Metric -> {"min": x, "max": y, "equals": z}, any of them.
    summary
        ``summary.json`` of the run; derived metrics are computed from it.
    worlds
        Worlds that were run beside the run itself.
    """
    values = {**path_metrics(summary), **summary}
    results: list[tuple[str, bool]] = []
    for key, bounds in expectations.items():
        value = values.get(key)
        shown = str(value)
        if isinstance(value, float):
            shown = f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"
        if value is None:
            shown = f"not defined, because {why_undefined(METRICS[key], worlds=worlds)}"
        for bound, limit in bounds.items():
            if bound == "equals":
                passed, sign = value == limit, "=="
            elif not isinstance(value, int | float) or not isinstance(limit, int | float):
                passed, sign = False, ">=" if bound == "min" else "<="
            elif bound == "min":
                passed, sign = value >= limit, ">="
            else:
                passed, sign = value <= limit, "<="
            results.append((f"{key} {sign} {limit}: was {shown}", passed))
    return results
