"""How long money waits on its way into and out of the pool: ``ILiquidityPool.PoolParameters``."""

from sim.protocol.parameters.table import STRUCTS, Governed, Parameter, Setter, Struct

STRUCTS.add(
    Struct(
        name="pool",
        order=55,
        section="protocol.pool",
        meaning="How long money waits on its way into and out of the pool.",
        contract="liquidity_pool",
        checked_in="pool_parameters",
        setter=Setter(function="set_parameters", view="parameters"),
        parameters=(
            Parameter(
                name="queue_seconds",
                unit="s",
                minimum=60,
                maximum=2_592_000,
                default=3_600,
                source="assumption: longer than a report or a liquidation that is due is late",
                meaning="From a request until shares may be claimed or redeemed, at the price of then.",
                governed=Governed(step=60, tighter="higher"),
            ),
            Parameter(
                name="exit_window_seconds",
                unit="s",
                minimum=600,
                maximum=2_592_000,
                default=3_600,
                source="assumption: as long as the queue, so that nobody is free to leave half of the time",
                meaning="In which shares may be redeemed; without a usable price, in its second half.",
                governed=Governed(step=600, tighter="lower"),
            ),
        ),
    )
)
