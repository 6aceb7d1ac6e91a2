"""Results as JSON: every dataclass by its fields, an infinite or missing number as null."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from sim.experiments.exploration.constraints import Constraint
from sim.experiments.exploration.objectives import Objective


def document(value: object) -> Any:
    """Return a value as JSON data.

    Objectives and constraints also carry their ``label``. Floats are kept in full.
    """
    if is_dataclass(value) and not isinstance(value, type):
        found = {field.name: document(getattr(value, field.name)) for field in fields(value)}
        if isinstance(value, Objective | Constraint):
            found["label"] = value.label
        return found
    if isinstance(value, Mapping):
        return {str(key): document(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [document(inner) for inner in value]
    if isinstance(value, np.generic):
        return document(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
