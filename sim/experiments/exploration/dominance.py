"""Who dominates whom, and how much of the objective space a front dominates. Everything is minimised."""

from __future__ import annotations

import numpy as np

from sim.core.arrays import BoolArray, FloatArray


def non_dominated(values: FloatArray) -> BoolArray:
    """Return which points no other point dominates.

    Parameters
    ----------
    values
        float64[..., point, objective], smaller is better. A point dominates another if it is nowhere worse
        and somewhere better; equal points leave one another alone.

    Returns
    -------
    BoolArray
        bool[..., point].
    """
    result = np.ones(values.shape[:-1], dtype=np.bool_)
    for point in range(values.shape[-2]):
        here = values[..., point : point + 1, :]
        better = (values <= here).all(axis=-1) & (values < here).any(axis=-1)
        result[..., point] = ~better.any(axis=-1)
    return result


def hypervolume(values: FloatArray, reference: FloatArray) -> float:
    """Return the volume dominated by points and bounded by a reference point.

    Parameters
    ----------
    values
        float64[point, objective], minimised. Points that do not lie below the reference in every objective
        add nothing.
    reference
        float64[objective], the worst corner.

    Notes
    -----
    Sliced along the last objective: between two neighbouring values of it, the dominated area is that of the
    points up to there in one dimension less (Zitzler and Thiele, PPSN V, 1998, for the measure).
    """
    inside = values[(values < reference).all(axis=1)]
    return _volume(inside, reference) if len(inside) else 0.0


def _volume(values: FloatArray, reference: FloatArray) -> float:
    if values.shape[1] == 1:
        return float(reference[0] - values.min())
    order = np.argsort(values[:, -1], kind="stable")
    ordered = values[order]
    if values.shape[1] == 2:
        # Staircase: what each point adds below the best first objective so far.
        best = np.minimum.accumulate(np.concatenate(([reference[0]], ordered[:, 0])))
        return float(((best[:-1] - best[1:]) * (reference[1] - ordered[:, 1])).sum())
    upper = np.append(ordered[1:, -1], reference[-1])
    total = 0.0
    for index in range(len(ordered)):
        thickness = float(upper[index] - ordered[index, -1])
        if thickness > 0.0:
            total += thickness * _volume(ordered[: index + 1, :-1], reference[:-1])
    return total


def reference_point(values: FloatArray, *, margin: float = 0.1) -> FloatArray:
    """Return a reference behind all points: the worst of each objective, plus a share of its range.

    Assumption: a tenth of the range, so that the extreme points of a front count. An objective that does not
    vary gets a tenth of its size, or 1 if it is zero.
    """
    worst, spread = values.max(axis=0), np.ptp(values, axis=0)
    size = np.where(spread > 0.0, spread, np.where(worst != 0.0, np.abs(worst), 1.0 / margin))
    reference: FloatArray = worst + margin * size
    return reference
