"""When losses go further down the waterfall: ``ILossWaterfall.WaterfallParameters``."""

from sim.protocol.parameters.table import STRUCTS, Governed, Parameter, Setter, Struct

STRUCTS.add(
    Struct(
        name="waterfall",
        order=21,
        section="protocol.liquidation",
        meaning="When a loss that nobody was found for goes to the pool.",
        contract="loss_waterfall",
        checked_in="waterfall_params",
        setter=Setter(function="set_parameters", view="parameters"),
        parameters=(
            Parameter(
                name="adl_window_seconds",
                unit="s",
                minimum=0,
                maximum=604_800,
                default=60,
                source="61.7 s seen (quant 6)",
                meaning="Time left for auto-deleveraging before a loss is socialised.",
                governed=Governed(step=60),
            ),
        ),
    )
)
