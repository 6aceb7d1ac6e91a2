"""Words for endpoints and amounts in the reasons of a verdict."""

from __future__ import annotations

import math

from sim.experiments.decision.endpoints import Endpoint
from sim.metrics.book import METRICS

INITIAL_MARGIN = "mean_initial_margin_ratio"
"""The metric whose inverse people know as leverage."""


def label(endpoint: Endpoint) -> str:
    """Return what an endpoint is called, for the middle of a sentence."""
    metric = METRICS.get(endpoint.metric)
    name = endpoint.metric if metric is None else metric.label[:1].lower() + metric.label[1:]
    if endpoint.statistic == "expected_shortfall":
        return f"{name}, worst {100.0 * endpoint.tail:g} %"
    return f'the probability of "{name}"' if endpoint.statistic == "probability" else name


def amount(endpoint: Endpoint, value: float) -> str:
    """Return a difference without its sign, in points where the metric is a share."""
    metric = METRICS.get(endpoint.metric)
    if math.isinf(value):
        return "any amount"
    if metric is not None and metric.is_share:
        return f"{_significant(abs(100.0 * value))} points"
    unit = "" if metric is None or metric.unit == "1" else f" {metric.unit}"
    return f"{_significant(abs(value))}{unit}"


def leverage_words(current: float, proposed: float) -> str:
    """Return how two initial ratios are spoken of, ``17x becomes 14x``; nothing if they are too alike."""
    if not (0.0 < current <= 1.0 and 0.0 < proposed <= 1.0):
        return ""
    for places in (0, 1):
        before, after = f"{1.0 / current:.{places}f}x", f"{1.0 / proposed:.{places}f}x"
        if before != after:
            return f"{before} becomes {after}"
    return ""


def _significant(value: float) -> str:
    if value == 0.0:
        return "0"
    digits = max(0, min(2 - math.floor(math.log10(value)), 10))
    return f"{value:,.{digits}f}"
