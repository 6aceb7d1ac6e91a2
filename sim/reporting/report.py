"""Write ``report.html``: one self-contained page that explains one run."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from sim.core.files import atomic_write_text
from sim.metrics.book import DIGEST, METRICS
from sim.reporting import formatting
from sim.reporting.cascades import biggest_cascades
from sim.reporting.context import replaced_by_prices, scripted_shocks
from sim.reporting.crosscheck import cross_checks
from sim.reporting.figures_cascade import generations_figure, icicle_figure
from sim.reporting.figures_chain import chain_figure, oracle_figure
from sim.reporting.figures_flow import liquidations_figure
from sim.reporting.figures_losses import WATERFALL, fund_figure
from sim.reporting.figures_margin import margin_figure, open_interest_figure
from sim.reporting.figures_price import impact_figure, price_figure
from sim.reporting.parties import leverage_bands, parties, parties_figure
from sim.reporting.plotting import FONT, Figure
from sim.reporting.tables import RunFolder, column, has_columns, last_value, load_run
from sim.reporting.transactions import revert_reasons, transaction_kinds
from sim.reporting.verdict import reach_verdict
from sim.reporting.vocabulary import GLOSSARY, write_value

TEMPLATES = Path(__file__).parent / "templates"
SCHEMA = "seawall-report-1"
REPORT = "report.html"
"""File of the page in a run's folder."""


def write_report(folder: Path) -> Path:
    """Write ``report.html`` into a run's results folder and return its path.

    The page needs nothing but itself: no network, no other file. It holds no wall-clock time, so the same
    folder gives the same bytes.

    Raises
    ------
    InputError
        The folder is not a run's results, or cannot be read.
    RunError
        The page cannot be written.
    """
    target = folder / REPORT
    atomic_write_text(target, render_report(load_run(folder)))
    return target


def render_report(run: RunFolder) -> str:
    """Return the whole page as text."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": formatting.number,
        "money": formatting.money,
        "compact": formatting.compact,
        "gain": formatting.signed_compact,
        "percent": formatting.percent,
        "significant": formatting.significant,
        "moment": formatting.moment,
        "duration": formatting.duration,
        "plural": formatting.plural,
    }
    sections = _figures(run)
    table = parties(run)
    outcome = parties_figure(table)
    if outcome is not None:
        sections["parties"] = [outcome]
    drawn = [figure for figures in sections.values() for figure in figures]
    return environment.get_template("report.html.j2").render(
        title=str(run.manifest.get("title") or run.scenario.get("title") or "Untitled run"),
        question=str(run.manifest.get("question") or run.scenario.get("question") or ""),
        description=str(run.scenario.get("description") or ""),
        span=run.time_span,
        verdict=reach_verdict(run),
        highlights=_highlights(run),
        sections=sections,
        shocks=scripted_shocks(run),
        replaced_by=replaced_by_prices(run),
        waterfall=_waterfall(run),
        cascades=biggest_cascades(run),
        parties=table,
        bands=leverage_bands(run),
        kinds=transaction_kinds(run),
        reverts=revert_reasons(run),
        metrics=_metric_rows(run.summary),
        checks=cross_checks(run),
        agents=[str(one) for one in run.manifest.get("agents") or []],
        raised_openings=int(run.manifest.get("raised_openings") or 0),
        assumptions=_assumptions(run.manifest),
        overrides=[str(one) for one in run.manifest.get("overrides") or []],
        provenance=_provenance(run),
        contracts=_contracts(run.manifest),
        glossary=GLOSSARY,
        css=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        javascript=(TEMPLATES / "report.js").read_text(encoding="utf-8"),
        plotly=get_plotlyjs(),
        payload=figure_payload(drawn),
        font=FONT,
    )


def _figures(run: RunFolder) -> dict[str, list[Figure]]:
    """Return the figures of each section; a figure whose table is missing is left out."""

    def of_markets(*builders: Any) -> list[Figure]:
        return _present(build(run, market) for market in run.market_ids for build in builders)

    return {
        "price": of_markets(price_figure, impact_figure),
        "liquidations": _present([liquidations_figure(run)]),
        "margin": of_markets(margin_figure, open_interest_figure),
        "fund": _present([fund_figure(run)]),
        "cascade": _present([icicle_figure(run), generations_figure(run)]),
        "parties": [],
        "chain": _present([chain_figure(run)]) + of_markets(oracle_figure),
    }


def _present(figures: Iterable[Figure | None]) -> list[Figure]:
    return [figure for figure in figures if figure is not None]


def figure_payload(figures: list[Figure]) -> str:
    """Return the figures as JSON safe inside a script element, arrays used more than once kept once."""
    arrays: dict[str, int] = {}

    def shared(trace: dict[str, Any]) -> dict[str, Any]:
        x = trace.get("x")
        if not isinstance(x, dict):
            return trace
        return trace | {"x": {"shared": arrays.setdefault(x["bdata"], len(arrays))}, "xdtype": x["dtype"]}

    content = {
        "figures": {
            figure.key: {"traces": [shared(trace) for trace in figure.traces], "layout": figure.layout}
            for figure in figures
        },
        "arrays": list(arrays),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return (
        text.replace("&", "\\u0026")
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def _highlights(run: RunFolder) -> list[dict[str, str]]:
    """Return the strip of key figures under the verdict."""
    summary = run.summary

    def item(label: str, value: str, note: str, mood: str = "") -> dict[str, str]:
        return {"label": label, "value": value, "note": note, "mood": mood}

    money, percent, number = formatting.compact, formatting.percent, formatting.number
    debt, socialized = summary.get("bad_debt"), summary.get("socialized_loss")
    violations = summary.get("invariant_violations")
    amplification = summary.get("amplification")
    return [
        item(
            "Liquidations",
            number(summary.get("liquidations")),
            f"{money(summary.get('liquidated_notional'))} USDC closed",
        ),
        item(
            "Endogenous",
            percent(summary.get("endogenous_share"), 0),
            "of the notional: the market did it to itself",
        ),
        item(
            "Amplification",
            "–" if formatting.is_missing(amplification) else f"×{number(amplification, 2)}",
            "largest fall, with over without forced flow",
        ),
        item(
            "Largest cascade",
            number(summary.get("cascade_size_max")),
            f"liquidations, depth {number(summary.get('cascade_depth_max'))}",
        ),
        item("Bad debt", money(debt), "USDC beyond collateral", "warn" if debt else "good"),
        item(
            "Fund, lowest",
            money(summary.get("insurance_fund_min")),
            f"USDC of {money(summary.get('insurance_fund_start'))} at the start",
            "bad" if summary.get("fund_depleted") else "",
        ),
        item(
            "Passed on",
            money(socialized),
            f"USDC socialised; {money(summary.get('auto_deleveraged_notional'))} auto-deleveraged",
            "bad" if socialized or summary.get("auto_deleveraged_notional") else "",
        ),
        item(
            "Invariants",
            number(summary.get("invariants_checked")),
            "checks, none failed" if violations == 0 else f"checks, {number(violations)} failed",
            "bad" if violations else "good" if violations == 0 else "",
        ),
    ]


def _waterfall(run: RunFolder) -> list[tuple[str, float]]:
    """Return who carried the losses by the last block."""
    rows = run.protocol_blocks
    if not has_columns(rows, ["bad_debt"]):
        return []
    return [
        (label, last_value(rows, key) or 0.0)
        for key, label, _ in WATERFALL
        if np.isfinite(column(rows, key)).any()
    ]


def _metric_rows(summary: Mapping[str, Any]) -> list[dict[str, str]]:
    known = [
        {
            "key": metric.name,
            "label": metric.label,
            "value": write_value(metric, summary[metric.name]),
            "unit": metric.quantity,
            "meaning": metric.meaning,
        }
        for metric in METRICS
        if metric.name in summary
    ]
    others = [
        {
            "key": key,
            "label": key,
            "value": formatting.significant(summary[key], 6),
            "unit": "",
            "meaning": "",
        }
        for key in sorted(set(summary) - set(METRICS.names()) - {DIGEST})
        if isinstance(summary[key], (int, float, str)) or summary[key] is None
    ]
    return known + others


def _assumptions(manifest: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    """Return the scenario's numbers: those that are assumptions, and those with another source."""
    entries = manifest.get("assumptions")
    rows = [
        {key: _words(entry.get(key, "")) for key in ("parameter", "value", "unit", "source")}
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict)
    ]
    assumed = [row for row in rows if "assumption" in row["source"].lower()]
    return {"assumed": assumed, "other": [row for row in rows if row not in assumed]}


def _words(value: object) -> str:
    """Write any JSON value for a table cell."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.12g}"
    return (
        value
        if isinstance(value, str)
        else json.dumps(value, sort_keys=True)
        if isinstance(value, (dict, list))
        else str(value)
    )


def _provenance(run: RunFolder) -> list[tuple[str, str]]:
    """Return what identifies the run, as (name, value) pairs."""
    manifest = run.manifest
    rows = [
        ("Digest (SHA-256 of receipts and final state)", manifest.get("digest") or run.summary.get("digest")),
        ("Scenario (SHA-256)", manifest.get("scenario_sha256")),
        ("Seed", manifest.get("seed")),
        ("Engine", manifest.get("engine")),
        ("Blocks", manifest.get("blocks")),
        ("Gas profile (SHA-256)", manifest.get("gas_profile_sha256")),
    ]
    if "twin" in manifest:
        rows.append(("Twin run without forced flow", manifest["twin"]))
    if "gas_profile_is_of_these_contracts" in manifest:
        rows.append(
            ("Gas measured on exactly these contracts", manifest["gas_profile_is_of_these_contracts"])
        )
    prices = manifest.get("prices")
    if isinstance(prices, dict):
        rows += [(f"Prices, {name.replace('_', ' ')}", value) for name, value in sorted(_flat(prices))]
    versions = manifest.get("versions")
    if isinstance(versions, dict):
        rows += [(f"Version of {name}", versions[name]) for name in versions]
    return [(name, _words(value)) for name, value in rows if value is not None]


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return nested values by dotted name."""
    found: list[tuple[str, Any]] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        found += _flat(value, f"{name}.") if isinstance(value, dict) else [(name, value)]
    return found


def _contracts(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    contracts = manifest.get("contracts")
    return (
        sorted((str(name), _words(value)) for name, value in contracts.items())
        if isinstance(contracts, dict)
        else []
    )
