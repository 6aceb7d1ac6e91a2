"""The pre-registered plan of a comparison: paths, models, endpoints, margins; fixed before the first run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, Strict

from sim.core.digest import sha256_hex
from sim.core.documents.sections import Document, Problem, Section, number, text
from sim.core.documents.toml_file import TomlFile
from sim.core.documents.toml_text import toml_value
from sim.core.errors import InputError
from sim.experiments.decision.endpoints import Endpoint
from sim.experiments.decision.results import Rule
from sim.market.impact_law import IMPACT_LAWS
from sim.market.price_process import PRICE_PROCESSES, PriceProcess, RecordedProcess
from sim.metrics.book import METRICS, metric_problem
from sim.metrics.statistics.over_paths import MEAN, Measure, refusal

OWN_PROCESS = "scenario"
"""Word for the scenario's own price process."""
ModelName = Annotated[str, Field(max_length=40)]


def resamples(process: type[PriceProcess]) -> bool:
    """Return whether a process draws its paths from a price file."""
    return issubclass(process, RecordedProcess) and not process.repeats_file


def is_comparable(process: type[PriceProcess]) -> bool:
    """Return whether a process can be a model of the market beside the scenario's own."""
    return resamples(process) or process.matched(volatility=1.0, drift=0.0, jump_share=0.5) is not None


MAX_PATHS = 1_000_000


class EndpointSection(Section):
    """One question about the difference, with what is accepted."""

    metric: str = text(..., "Name of a path metric (see docs/compare.md).", max_length=60)
    statistic: Literal["mean", "probability", "expected_shortfall"] | None = Field(
        None, description="How paths are summed up; probability for events and mean for the rest by default."
    )
    role: Literal["solvency", "guardrail", "efficiency"] = Field(description="What the endpoint protects.")
    margin: float = number(
        ..., 0.0, 1e15, "of the metric", "delta: harm up to it is accepted.", source="stated by the plan",
        above=True,
    )  # fmt: skip
    largest: float | None = number(
        None, 0.0, 1e15, "of the metric", "Largest difference of one path thought possible; 1 for events.",
        source="stated by the plan", above=True,
    )  # fmt: skip
    superiority: bool = Field(
        default=False, description="Whether an improvement here can make the change better."
    )
    threshold: float = number(
        0.0, 0.0, 1e15, "of the metric", "An improvement must be larger than this.",
        source="0: any improvement that chance does not explain",
    )  # fmt: skip
    tail: float = number(
        0.05, 0.0, 0.5, "1", "Share of worst paths an expected shortfall averages.",
        source="assumption: 5 % of a thousand paths are fifty", above=True,
    )  # fmt: skip
    source: str = text("assumption", "Where the margin comes from.")

    def problems(self) -> Iterator[Problem]:
        """Yield a metric or numbers with which the endpoint would ask nothing."""
        wrong = metric_problem(self.metric)
        if wrong is not None:
            yield ("metric",), wrong
            return
        metric = METRICS[self.metric]
        if metric.direction == 0:
            yield ("metric",), f"{self.metric} has no direction: more of it is neither better nor worse"
        if metric.is_event and self.statistic not in (None, "probability"):
            yield ("statistic",), f"{self.metric} is an event: only its probability can be compared"
        if not metric.is_event and self.statistic == "probability":
            yield ("statistic",), f"{self.metric} is no event: it has no probability"
        if metric.is_event:
            if self.margin >= 1.0:
                yield (
                    ("margin",),
                    (
                        f"must be below 1, was {self.margin:g}: every difference of probabilities would be"
                        " accepted"
                    ),
                )
            if self.threshold > 0.0:
                yield (
                    ("threshold",),
                    f"must be 0 for an event, was {self.threshold:g}: the exact test knows no other",
                )
        elif self.largest is None:
            yield ("largest",), "is required for a metric that is no event"
        if self.largest is not None and not metric.is_event and self.margin >= self.largest:
            yield (
                ("margin",),
                f"must be below largest {self.largest:g}, was {self.margin:g}: anything would be accepted",
            )
        if self.threshold > 0.0 and not self.superiority:
            yield ("threshold",), "says how large an improvement must be, but superiority is false"

    def endpoint(self) -> Endpoint:
        """Return the endpoint with its defaults filled in."""
        metric = METRICS[self.metric]
        is_event = metric.is_event
        return Endpoint(
            metric=self.metric,
            role=self.role,
            statistic=self.statistic or ("probability" if is_event else "mean"),
            margin=self.margin,
            largest=1.0 if self.largest is None or is_event else self.largest,
            direction=metric.direction,
            superiority=self.superiority,
            threshold=self.threshold,
            tail=self.tail,
            source=self.source,
        )


class DrawSection(Section):
    """An input that is not known exactly: drawn anew for every path, the same in both arms and all cells."""

    key: str = text(..., "Dotted key of the scenario, as for --set.", max_length=200)
    low: float = number(..., -1e15, 1e15, "of the key", "Smallest value.", source="stated by the plan")
    high: float = number(..., -1e15, 1e15, "of the key", "Largest value.", source="stated by the plan")
    scale: Literal["linear", "log"] = Field("linear", description="Uniform in the value or in its logarithm.")
    whole: bool = Field(default=False, description="Only whole numbers, of inputs that take no other.")

    def problems(self) -> Iterator[Problem]:
        """Yield an empty range, and a key of what is being compared."""
        if self.low >= self.high:
            yield ("low",), f"must be below high {self.high:g}, was {self.low:g}"
        if self.scale == "log" and self.low <= 0.0:
            yield ("low",), f"must be above 0 on a logarithmic scale, was {self.low:g}"
        if self.whole and not (self.low.is_integer() and self.high.is_integer()):
            yield ("whole",), "low and high must be whole numbers"
        first, *rest = self.key.split(".")
        place = rest[1:]
        chosen = place[:1] in (["pool"], ["price"]) or place in (["impact"], ["impact", "law"])
        if first == "protocol" or (first == "markets" and chosen):
            yield ("key",), f"{self.key} is part of an arm or of a cell, so it cannot be drawn"


def _default(metric: str, role: str, margin: float, largest: float | None, source: str, **more: Any) -> Any:
    return EndpointSection.model_validate(
        {"metric": metric, "role": role, "margin": margin, "largest": largest, "source": source, **more}
    )


_CRASH = "under static margin a fall of 10-20 % within 6-20 min leaves 14 bp uncovered (docs/study)"

DEFAULT_ENDPOINTS: tuple[EndpointSection, ...] = (
    _default("insolvent", "solvency", 0.02, None, superiority=True,
             source="assumption: one path in fifty, as fine as a few hundred paths can tell"),
    _default("uncovered_loss_ratio", "solvency", 0.0005, 0.02, superiority=True,
             source=f"assumption: 5 bp of open interest; {_CRASH}; largest: 200 bp, forty times that"),
    _default("loss_beyond_collateral_ratio", "solvency", 0.0005, 0.02, superiority=True,
             source=f"assumption: 5 bp of open interest; {_CRASH}; largest: 200 bp, forty times that"),
    _default("fund_drain", "solvency", 0.002, 0.05, superiority=True,
             source="assumption: 20 bp of open interest, a tenth of a fund of 2 %; largest: twice that fund"),
    _default("peak_to_trough_margin", "guardrail", 0.25, 5.0,
             source="assumption: a quarter, the size of the buffer in EMIR RTS 153/2013 article 28"),
    _default("max_1h_margin_increase", "guardrail", 0.10, 3.0,
             source="assumption: ten points on the increase within an hour"),
    _default("liquidated_share", "guardrail", 0.03, 1.0, superiority=True,
             source="assumption: 3 % of open interest"),
    _default("mean_initial_margin_ratio", "efficiency", 0.01, 0.2, superiority=True,
             source="assumption: one point of initial margin"),
)  # fmt: skip


DEFAULT_DRAWS: tuple[DrawSection, ...] = (
    # One pool on a calm day: half gone in under 4 minutes; 2 hours: assumption (docs/assumptions.md, Impact).
    DrawSection(
        key="markets.0.impact.impact_half_life_seconds", low=180.0, high=7_200.0, scale="log", whole=True
    ),
    # A fall of 12 % in half an hour leaves 63 % (ask depth in falls of 3 %) to 5 % (10 October 2025).
    DrawSection(key="markets.0.impact.depth_withdrawal", low=0.13, high=0.86, scale="log"),
)
"""What sources leave open about the market outside. Of market 0, which every scenario has."""


class ComparePlan(Document):
    """Everything about a comparison that is decided before it is run."""

    schema_version: Literal[1] = Field(1, description="Version of this format.")
    kind: Literal["compare"] = Field("compare", description="What the file is.")
    title: str = text("", "Title of the report.", max_length=120)
    paths: int = number(
        400, 2, MAX_PATHS, "paths", "Paths of each arm in each cell.",
        source="assumption: an event in 1 % of paths is missed with chance 2 % (rule of three)",
    )  # fmt: skip
    confirmation_paths: int | None = number(
        None, 2, MAX_PATHS, "paths", "Fresh paths that repeat a verdict of better.",
        source="as many as the first time",
    )  # fmt: skip
    seed: int | None = number(
        None, 0, 2**63 - 1, "1", "Seed instead of the scenario's.", source="the scenario's"
    )
    populations: int = number(
        1, 1, MAX_PATHS, "1", "Books of accounts that paths take in turn.",
        source="1: the book is given, as on chain",
    )  # fmt: skip
    confidence: float = number(
        0.975, 0.8, 0.9999, "1", "Of every one-sided bound.", source="quant notes 7.5: upper 97.5 % bound"
    )
    power: float = number(
        0.8, 0.5, 0.999, "1", "Of the smallest detectable effect.", source="convention: 80 %"
    )
    unseen: float = number(
        0.05, 0.0001, 0.5, "1", "What happens in this share of paths must not be missed.",
        source="assumption; it sets the least number of paths, 72 at 97.5 %",
    )  # fmt: skip
    missing: float = number(
        0.01, 0.0, 0.5, "1", "Share of paths that may have a value in one arm only.", source="assumption"
    )
    price_models: Annotated[tuple[ModelName, ...], Strict(strict=False)] = Field(
        ("scenario", "gbm", "kou", "garch_t"),
        description="Processes of the outside price; at least three different ones.",
    )
    price_file: str | None = text(
        None, "Recorded prices for the bootstrap, in the plan's folder.", max_length=1_024
    )
    kou_jump_share: float = number(
        0.5, 0.01, 0.99, "1", "Share of the Kou process's variance that comes from jumps.",
        source="assumption: half; ten jumps a year (quant notes 5.4) would leave a day without one",
    )  # fmt: skip
    impact_laws: Annotated[tuple[ModelName, ...], Strict(strict=False)] = Field(
        ("linear", "square_root"), description="Impact laws; both."
    )
    draws: Annotated[tuple[DrawSection, ...], Strict(strict=False)] = Field(
        DEFAULT_DRAWS,
        max_length=40,
        description="Uncertain inputs: calibration uncertainty, part of every bound; [] for none.",
    )
    endpoints: Annotated[tuple[EndpointSection, ...], Strict(strict=False)] = Field(
        DEFAULT_ENDPOINTS,
        min_length=1,
        max_length=40,
        description="What is compared, and how much is accepted.",
    )

    def problems(self) -> Iterator[Problem]:
        """Yield what makes the plan decide nothing, or nothing one can defend."""
        yield from self._model_problems()
        names: list[str] = []
        for index, section in enumerate(self.endpoints):
            if section.metric not in METRICS:
                continue
            endpoint = section.endpoint()
            if endpoint.name in names:
                yield ("endpoints", index, "metric"), f"{endpoint.name} is there already"
            names.append(endpoint.name)
            if endpoint.statistic == "expected_shortfall":
                why = self._refusal(endpoint.measure)
                if why:
                    yield ("endpoints", index, "tail"), why
        few = self._refusal(MEAN)
        if few:
            yield ("populations",), few
        if not any(section.role == "solvency" for section in self.endpoints):
            yield ("endpoints",), 'needs at least one with role = "solvency"'
        if not any(section.superiority for section in self.endpoints):
            yield (
                ("endpoints",),
                "needs at least one with superiority = true, or nothing could ever be better",
            )

    def _refusal(self, measure: Measure) -> str:
        books = min(self.populations, self.paths)
        return refusal(
            measure, paths=self.paths, units=books, word="books", clustered=self.populations > 1, bounded=True
        )

    def _model_problems(self) -> Iterator[Problem]:
        models = (OWN_PROCESS, *(process.name for process in PRICE_PROCESSES if is_comparable(process)))
        laws = tuple(law.name for law in IMPACT_LAWS if law.takes_flow)
        for key, least, chosen, known in (
            ("price_models", 3, self.price_models, models), ("impact_laws", 2, self.impact_laws, laws),
        ):  # fmt: skip
            for index, name in enumerate(chosen):
                if name not in known:
                    yield (key, index), f"must be one of {', '.join(map(repr, known))}, was {name!r}"
            if len(set(chosen)) != len(chosen):
                yield (key,), f"names one twice: {', '.join(chosen)}"
            elif len(chosen) < least:
                yield (
                    (key,),
                    f"needs at least {least}, to show whether the verdict depends on them, was {len(chosen)}",
                )
        resampling = [process.name for process in PRICE_PROCESSES if resamples(process)]
        drawn = [name for name in resampling if name in self.price_models]
        if drawn and self.price_file is None:
            yield ("price_file",), f"is required by the price model {drawn[0]}"
        if not drawn and self.price_file is not None:
            yield ("price_file",), f"is given, but {' or '.join(resampling)} is not among price_models"

    @property
    def rule(self) -> Rule:
        """The numbers of the decision rule."""
        return Rule(confidence=self.confidence, power=self.power, unseen=self.unseen, missing=self.missing)

    def all_endpoints(self) -> tuple[Endpoint, ...]:
        """Return the endpoints with their defaults filled in."""
        return tuple(section.endpoint() for section in self.endpoints)

    def text(self) -> str:
        """Return the plan as TOML, every default written out: what is hashed and registered."""
        lines = []
        for name in type(self).model_fields:
            value = getattr(self, name)
            if value is not None and name not in ("endpoints", "draws"):
                lines.append(f"{name} = {toml_value(value)}")
        for draw in self.draws:
            lines += ["", "[[draws]]"]
            lines += [f"{key} = {toml_value(value)}" for key, value in draw.model_dump().items()]
        for section in self.endpoints:
            lines += ["", "[[endpoints]]"]
            filled = {**section.model_dump(exclude_none=True), **_filled(section.endpoint())}
            lines += [f"{key} = {toml_value(filled[key])}" for key in type(section).model_fields]
        return "\n".join(lines) + "\n"

    @property
    def sha256(self) -> str:
        """Hash of :meth:`text`."""
        return sha256_hex(self.text().encode())


def _filled(endpoint: Endpoint) -> dict[str, Any]:
    return {"statistic": endpoint.statistic, "largest": endpoint.largest}


def load_plan(path: Path | None, **changes: int | None) -> tuple[ComparePlan, Path | None]:
    """Return a plan and the price file it names.

    Parameters
    ----------
    path
        TOML file; None is the built-in plan.
    changes
        Values of keys from the command line; None leaves the plan's.

    Raises
    ------
    InputError
        One line for each problem, with file, line and field.
    """
    file = (
        TomlFile.read(path)
        if path is not None
        else TomlFile(path=Path("plan"), text="", document={}, lines={})
    )
    for name, value in changes.items():
        if value is not None:
            file.document[name] = value
    plan = file.load(ComparePlan)
    if path is None or plan.price_file is None:
        return plan, None
    folder = path.resolve().parent
    prices = (folder / plan.price_file).resolve()
    problem = None
    if not prices.is_relative_to(folder):
        problem = f"must lie in the plan's folder, was {plan.price_file!r}"
    elif not prices.is_file():
        problem = f"there is no file {plan.price_file!r}"
    if problem:
        raise InputError(file.problem(("price_file",), problem))
    return plan, prices
