"""Credit of unrealised profit and what must stay after a withdrawal: ``IRiskEngine.RiskParameters``."""

from sim.protocol.parameters.table import STRUCTS, Governed, Parameter, Setter, Struct

STRUCTS.add(
    Struct(
        name="risk",
        order=11,
        section="protocol.margin",
        meaning="Unrealised profit in the checks, and withdrawals.",
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
        ),
    )
)
