"""Parameters of one asset of the collateral registry: ``ICollateralRegistry.AssetParameters``.

Not among ``STRUCTS``, which every deployment has once or for each market: a scenario has a table of them for
each asset (`sim.engine.scenario.collateral`).
"""

from typing import Final

from sim.protocol.parameters.table import Condition, Governed, Parameter, Setter, Struct

_NINE: Final = "mechanisms notes 9.4"
_STARTING: Final = "mechanisms notes 9.14"

ASSET: Final = Struct(
    name="asset",
    order=90,
    section="collateral",
    meaning="How much of an asset is taken as collateral, what it counts for, and how it is sold.",
    contract="collateral_registry",
    checked_in="collateral_assets",
    setter=Setter(function="set_parameters", view="parameters", per_market=True),
    conditions=(Condition(low=("sale_band", "sale_fee_rate"), high="haircut_min"),),
    parameters=(
        Parameter(
            name="deposit_cap",
            unit="asset units",
            minimum=0,
            maximum=1e18,
            default=10_000.0,
            source="assumption: bounds what splitting over accounts saves; Derive caps 250 ETH",
            meaning="Most of the asset that all accounts together may deposit; at 0 nothing more comes in.",
            governed=Governed(step=100.0, tighter="lower"),
        ),
        Parameter(
            name="haircut_min",
            unit="1",
            minimum=0,
            maximum=1,
            default=0.05,
            source="assumption: above what a forced sale may cost, band and fee together",
            meaning="Least share of the asset's value that does not count.",
            governed=Governed(step=0.01, tighter="higher"),
        ),
        Parameter(
            name="z",
            unit="1",
            minimum=0,
            maximum=1_000,
            default=4.0,
            source=_STARTING,
            meaning="Standard deviations of the asset's price that the haircut covers.",
            governed=Governed(step=0.25, tighter="higher"),
        ),
        Parameter(
            name="horizon_seconds",
            unit="s",
            minimum=0,
            maximum=31_536_000,
            default=3_600,
            source=f"{_NINE} and 9.14: the horizon of maintenance margin",
            meaning="Time it takes to sell.",
            governed=Governed(step=600, tighter="higher"),
        ),
        Parameter(
            name="size_coefficient",
            unit="1",
            minimum=0,
            maximum=1_000,
            default=1.0,
            source="mechanisms notes 9.3: Y = 1",
            meaning="Y of the square-root impact of selling what one account has.",
            governed=Governed(step=0.1, tighter="higher"),
        ),
        Parameter(
            name="depth",
            unit="quote",
            minimum=1,
            maximum=1e20,
            default=1_000_000.0,
            source="assumption: the depth of a thin market",
            meaning="Liquidity that a sale meets.",
            governed=Governed(step=10_000.0, tighter="lower"),
        ),
        Parameter(
            name="confidence_coefficient",
            unit="1",
            minimum=0,
            maximum=1_000,
            default=1.0,
            source=_NINE,
            meaning="Haircut per unit of the price's confidence over the price.",
            governed=Governed(step=0.1, tighter="higher"),
        ),
        Parameter(
            name="sale_band",
            unit="1",
            minimum=0,
            maximum=1,
            default=0.03,
            source="assumption: ten fees of a pool of 0.3 %",
            meaning="How far below the price that margin counts a forced sale may fill.",
            governed=Governed(step=0.005),
        ),
        Parameter(
            name="sale_fee_rate",
            unit="1",
            minimum=0,
            maximum=0.05,
            default=0.005,
            source="assumption: a tenth of the least haircut",
            meaning="Share of a forced sale's proceeds for whoever calls it.",
            governed=Governed(step=0.001),
        ),
        Parameter(
            name="sale_window_seconds",
            unit="s",
            minimum=0,
            maximum=604_800,
            default=3_600,
            source="assumption: as long as the haircut says that selling takes",
            meaning="How long from a deficit on the debtor's asset is sold before others pay.",
            governed=Governed(step=600),
        ),
        Parameter(
            name="min_sale",
            unit="quote",
            minimum=0,
            maximum=1_000_000,
            default=10.0,
            source="assumption: about what the sale costs in gas",
            meaning="Value below which the asset holds nobody up; with a position, debt likewise.",
            governed=Governed(step=5.0),
        ),
    ),
)
