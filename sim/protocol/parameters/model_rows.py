"""Rows that more than one risk model has."""

from __future__ import annotations

from typing import Final

from sim.protocol.parameters.table import Governed, Parameter

LEVERAGE: Final = "assumption: above the 125x that exchanges have advertised, leverage ends at 200x"
HALF_OF_IT: Final = f"{LEVERAGE}, maintenance is half"
FAR_BELOW: Final = "assumption: more than any use of it, and far below the contract's bound"
MODEL_NOTES: Final = "mechanisms notes 9.14"

INITIAL: Final = Governed(minimum=0.005, step=0.005, tighter="higher", reason=LEVERAGE)
MAINTENANCE: Final = Governed(minimum=0.0025, step=0.0025, tighter="higher", reason=HALF_OF_IT)

_HORIZON: Final = Governed(
    minimum=60, step=600, tighter="higher", reason="contract: risk_math; assumption: a minute at least"
)

Z: Final = Parameter(
    name="z",
    unit="1",
    minimum=0,
    maximum=1_000,
    default=4.0,
    source=MODEL_NOTES,
    meaning="Standard deviations covered.",
    governed=Governed(
        minimum=0.5,
        maximum=100,
        step=0.25,
        tighter="higher",
        reason="assumption: half a standard deviation at least",
    ),
)

INITIAL_HORIZON: Final = Parameter(
    name="initial_horizon_seconds",
    unit="s",
    minimum=0,
    maximum=31_536_000,
    default=14_400,
    source=MODEL_NOTES,
    meaning="Horizon of initial margin.",
    governed=_HORIZON,
)

MAINTENANCE_HORIZON: Final = Parameter(
    name="maintenance_horizon_seconds",
    unit="s",
    minimum=0,
    maximum=31_536_000,
    default=3_600,
    source=MODEL_NOTES,
    meaning="Horizon of maintenance margin.",
    governed=_HORIZON,
)

HAIRCUT: Final = Parameter(
    name="haircut",
    unit="1",
    minimum=0,
    maximum=1,
    below=True,
    default=0.0,
    source="quote collateral is not cut",
    meaning="Haircut on collateral.",
    governed=Governed(
        maximum=0.999,
        step=0.01,
        tighter="higher",
        reason="assumption: a thousandth of collateral counts at least",
    ),
)


def ratio(name: str, default: float, source: str, meaning: str, governed: Governed) -> Parameter:
    """Return the row of a margin ratio, which is above 0 and at most 1."""
    return Parameter(
        name=name,
        unit="1",
        minimum=0,
        above=True,
        maximum=1,
        default=default,
        source=source,
        meaning=meaning,
        governed=governed,
    )
