"""Credits, withdrawals and the depth that is believed: ``IRiskEngine.RiskParameters``."""

from sim.protocol.parameters.table import STRUCTS, Governed, Parameter, Setter, Struct

STRUCTS.add(
    Struct(
        name="risk",
        order=11,
        section="protocol.margin",
        meaning="Unrealised profit in the checks, withdrawals, and the depth that both believe.",
        contract="risk_engine",
        checked_in="risk_params",
        setter=Setter(function="set_parameters", view="parameters"),
        parameters=(
            Parameter(
                name="upnl_weight",
                unit="1",
                minimum=0,
                maximum=1,
                default=1.0,
                source="Drift's upper bound, 9.4",
                meaning="Weight of unrealised profit in the initial and the withdrawal check, up to the cap.",
                governed=Governed(step=0.1, tighter="lower"),
            ),
            Parameter(
                name="upnl_cap",
                unit="quote",
                minimum=0,
                maximum=1e18,
                default=1_000_000.0,
                source="assumption: Drift credits 100, Hyperliquid everything",
                meaning="Most unrealised profit that these checks credit to one account.",
                governed=Governed(step=10_000.0, tighter="lower"),
            ),
            Parameter(
                name="withdraw_margin_ratio",
                unit="1",
                minimum=0,
                maximum=1,
                default=0.10,
                source="Hyperliquid, 9.4",
                meaning="Equity that must stay after a withdrawal, as a share of notional.",
                governed=Governed(step=0.01, tighter="higher"),
            ),
            Parameter(
                name="depth_variance",
                unit="per year",
                minimum=0,
                maximum=1e8,
                default=0.0,
                source="off by default, as no exchange publishes such a rule; 1 is volatility of 100 %",
                meaning="Variance above which openings and withdrawals believe less depth, inversely with "
                "volatility; 0: any.",
                # Off is 0, and above that the lower is the tighter: no safer side.
                governed=Governed(maximum=100, step=0.25, reason="assumption: a volatility of 1,000 %"),
            ),
            Parameter(
                name="depth_reserves",
                unit="quote",
                minimum=0,
                maximum=1e20,
                default=0.0,
                source="off by default, as above; the providers' deposit makes any loss of the pool count",
                meaning="Reserves of the pool below which openings and withdrawals believe less depth, in "
                "proportion; 0: any.",
                governed=Governed(
                    maximum=1e15,
                    step=1e6,
                    tighter="higher",
                    reason="assumption: 1e15 quote is more money than there is",
                ),
            ),
            Parameter(
                name="depth_share_min",
                unit="1",
                minimum=0,
                above=True,
                maximum=1,
                default=0.05,
                source="assumption: a twentieth; with nothing left no size could be opened at all",
                meaning="Share of the depth that is always believed.",
                governed=Governed(
                    minimum=0.001, step=0.05, tighter="lower", reason="assumption: a thousandth at least"
                ),
            ),
        ),
    )
)
