"""The fee on trades and its split: ``ITradingDesk.FeeParameters``."""

from sim.protocol.parameters.table import STRUCTS, Governed, Parameter, Setter, Struct, sum_at_most_one

STRUCTS.add(
    Struct(
        name="fees",
        order=10,
        section="protocol.margin",
        meaning="The fee on trades and who gets it.",
        contract="trading_desk",
        checked_in="fee_params",
        setter=Setter(function="set_parameters", view="parameters"),
        conditions=(sum_at_most_one(("pool_fee_share", "fund_fee_share")),),
        parameters=(
            Parameter(
                name="trade_fee_rate",
                unit="1",
                minimum=0,
                maximum=0.1,
                default=0.0005,
                source="dYdX v4 taker fee, 5 bp",
                meaning="Trading fee on notional.",
                governed=Governed(
                    maximum=0.01, step=0.0005, reason="assumption: ten times a taker fee of 0.1 %"
                ),
            ),
            Parameter(
                name="pool_fee_share",
                unit="1",
                minimum=0,
                maximum=1,
                default=0.6,
                source="assumption: GMX pays LPs 63 %",
                meaning="Share of the fee for the pool.",
                governed=Governed(step=0.1),
            ),
            Parameter(
                name="fund_fee_share",
                unit="1",
                minimum=0,
                maximum=1,
                default=0.2,
                source="assumption",
                meaning="Share of the fee for the fund.",
                governed=Governed(step=0.1),
            ),
        ),
    )
)
