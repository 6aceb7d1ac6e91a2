"""What every market has of its own: ``ILiquidityPool.PricingTerms`` and the cap on its open interest."""

from sim.protocol.parameters.table import STRUCTS, Governed, Parameter, Setter, Struct

BASE_UNITS = "base units"
"""Unit of what a scenario states at its initial price: it follows the price a run starts at."""

STRUCTS.add(
    Struct(
        name="pricing_terms",
        order=60,
        section="markets.pool",
        meaning="Skew pricing of the pool's fills.",
        contract="liquidity_pool",
        checked_in="market_making",
        setter=Setter(function="set_pricing_terms", view="pricing_terms", per_market=True),
        parameters=(
            Parameter(
                name="skew_scale",
                unit=BASE_UNITS,
                minimum=1e-6,
                maximum=1e22,
                default=1_000_000.0,
                source="assumption: 1 % premium at a skew of 10,000 units",
                meaning="Skew at which the premium would be 100 %, were it not capped.",
                governed=Governed(
                    maximum=1e20,
                    step=0.0,
                    reason="contract: market_making; the governor's words end at 2**128",
                ),
            ),
            Parameter(
                name="max_premium",
                unit="1",
                minimum=0,
                maximum=1,
                below=True,
                default=0.009,
                source="below the 1 % that formulas that ship leave at rest, less a fee: docs/formulas.md",
                meaning="Cap on the premium or discount of a fill.",
                governed=Governed(
                    maximum=0.99,
                    step=0.01,
                    reason="contract: market_making, below 1 and not above the maintenance ratio at rest",
                ),
            ),
        ),
    )
)

STRUCTS.add(
    Struct(
        name="market",
        order=70,
        section="markets.pool",
        meaning="The cap on a market's open interest, beside the formula that only set_model changes.",
        contract="market_registry",
        checked_in="markets",
        setter=Setter(function="set_market", view="market_info", per_market=True, fixed=("risk_model",)),
        parameters=(
            Parameter(
                name="open_interest_cap",
                unit=BASE_UNITS,
                minimum=0,
                maximum=1e18,
                default=0,
                source="computed: the scenario's cap in quote over the price a run starts at",
                meaning="Largest open interest of one side.",
                key="open_interest_cap_notional",
                governed=Governed(step=1.0, tighter="lower"),
            ),
        ),
    )
)
