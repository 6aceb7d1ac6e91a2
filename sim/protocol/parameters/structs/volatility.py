"""Margin that follows the raw fast volatility: ``risk_math.VolatilityParameters``."""

from sim.protocol.parameters.model_rows import (
    HAIRCUT,
    INITIAL,
    INITIAL_HORIZON,
    MAINTENANCE,
    MAINTENANCE_HORIZON,
    MODEL_NOTES,
    Z,
    ratio,
)
from sim.protocol.parameters.table import STRUCTS, Model, Struct, below, not_above

STRUCTS.add(
    Struct(
        name="volatility",
        order=81,
        section="protocol.risk_model_parameters",
        meaning="Raw volatility scaling: the textbook, procyclical rule.",
        contract="risk_model",
        checked_in="risk_math",
        model=Model(number=2, source="risk_models/VolatilityRiskModel.vy"),
        conditions=(
            below("maintenance_min", "initial_min"),
            not_above("maintenance_horizon_seconds", "initial_horizon_seconds"),
        ),
        parameters=(
            Z,
            INITIAL_HORIZON,
            MAINTENANCE_HORIZON,
            ratio("initial_min", 0.02, "dYdX large-cap tier, 2 %", "Smallest initial margin ratio.", INITIAL),
            ratio("maintenance_min", 0.01, MODEL_NOTES, "Smallest maintenance ratio.", MAINTENANCE),
            HAIRCUT,
        ),
    )
)
