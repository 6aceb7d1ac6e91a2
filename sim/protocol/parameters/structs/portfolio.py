"""Joint scenarios of portfolio margin: ``portfolio_math.PortfolioParameters``."""

from sim.protocol.parameters.table import STRUCTS, Parameter, Struct

STRUCTS.add(
    Struct(
        name="portfolio",
        order=90,
        section="protocol.portfolio",
        meaning="Joint scenarios of accounts in portfolio mode; fixed when the model is deployed.",
        contract="portfolio_risk_model",
        checked_in="portfolio_math",
        parameters=(
            Parameter(
                name="far_multiple",
                unit="scans",
                minimum=1,
                maximum=10,
                default=3.0,
                source="mechanisms 9.5: two extreme moves of three scans",
                meaning="Joint move of all markets that is far beyond a scan.",
            ),
            Parameter(
                name="far_weight",
                unit="1",
                minimum=0,
                maximum=1,
                default=0.35,
                source="mechanisms 9.5: weight of 35 %",
                meaning="Share of the loss by the far move that counts.",
            ),
            Parameter(
                name="single_share",
                unit="scans",
                minimum=0,
                maximum=1,
                default=0.5,
                source="assumption: between the grid's first and second step",
                meaning="Move of one market while no other moves.",
            ),
            Parameter(
                name="floor_share",
                unit="1",
                minimum=0.1,
                maximum=1,
                default=0.3,
                source="mechanisms 9.5: offsets are capped at 70 %",
                meaning="Share of the sum of scans that is required whatever the scenarios say.",
            ),
            Parameter(
                name="correlation_break",
                unit="1",
                minimum=0,
                maximum=2,
                default=0.2,
                source="assumption: a correlation of 0.9 has been seen to be 0.7",
                meaning="Taken off each correlation that is believed: how far hedges may fail to follow.",
            ),
            Parameter(
                name="confidence_coefficient",
                unit="1",
                minimum=0,
                maximum=100,
                default=2.0,
                source="mechanisms 9.3: k_c = 2",
                meaning="Half-widths of the price that no offset reduces.",
            ),
            Parameter(
                name="close_out_ratio",
                unit="1",
                minimum=0,
                maximum=1,
                default=0.001,
                source="assumption: twice the fee of a trade",
                meaning="Notional that no offset reduces, beside the largest premium: what leaving costs.",
            ),
        ),
    )
)
