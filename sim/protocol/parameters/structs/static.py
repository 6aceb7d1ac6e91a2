"""Fixed ratios: ``StaticRiskModel.StaticParameters``."""

from sim.protocol.parameters.model_rows import HAIRCUT, INITIAL, MAINTENANCE, ratio
from sim.protocol.parameters.table import STRUCTS, Model, Struct, below

STRUCTS.add(
    Struct(
        name="static",
        order=80,
        section="protocol.risk_model_parameters",
        meaning="Fixed ratios: the baseline.",
        contract="risk_model",
        checked_in="risk_math",
        model=Model(number=1, source="risk_models/StaticRiskModel.vy"),
        conditions=(below("maintenance_ratio", "initial_ratio"),),
        parameters=(
            ratio("initial_ratio", 0.10, "mechanisms notes: 10x, Derive", "Initial margin ratio.", INITIAL),
            ratio(
                "maintenance_ratio", 0.05, "half of initial, 9.3", "Maintenance margin ratio.", MAINTENANCE
            ),
            HAIRCUT,
        ),
    )
)
