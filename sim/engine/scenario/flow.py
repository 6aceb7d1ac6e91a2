"""The routes of forced flow."""

from sim.core.documents.sections import Section, choice, number


class FlowSection(Section):
    """Where forced flow goes; every route has a switch and a share."""

    forced_flow: bool = choice(
        True,  # noqa: FBT003  (the value of a key, not of an argument)
        "Whether any of it reaches the external market, be it through arbitrageurs.",
        source="assumption: whoever is forced to close is hedged outside like anybody else",
    )
    hedge_share: float = number(
        0.5,
        0.0,
        1.0,
        "1",
        "Share of the pool's skew it hedges outside.",
        source="assumption: HLP-like pools hedge in part",
    )
    hedge_half_life_seconds: int = number(
        60, 0, 604_800, "s", "Half-life with which the hedge follows the skew.", source="assumption"
    )
    liquidator_share: float = number(
        0.0, 0.0, 1.0, "1", "Share of what is liquidated that liquidators sell outside.",
        source="a close against the pool leaves them nothing to sell",
    )  # fmt: skip
    arbitrage_share: float = number(
        1.0,
        0.0,
        1.0,
        "1",
        "Share of arbitrage trades whose other leg is done outside.",
        source="both legs, by definition",
    )
    least_order: float = number(
        1.0, 0.0, 1e9, "quote", "What is left of an order is sent whole below this.",
        source="assumption: less than one unit of quote is not worth a trade",
    )  # fmt: skip
