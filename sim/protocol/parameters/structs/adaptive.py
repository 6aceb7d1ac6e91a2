"""Volatility with floor and stress weight, size, open interest: ``risk_math.AdaptiveParameters``."""

from dataclasses import replace

from sim.protocol.parameters.model_rows import (
    FAR_BELOW,
    HAIRCUT,
    INITIAL,
    INITIAL_HORIZON,
    MAINTENANCE,
    MAINTENANCE_HORIZON,
    Z,
    ratio,
)
from sim.protocol.parameters.table import STRUCTS, Governed, Model, Parameter, Struct, below, not_above

_TIERS = "dYdX v4 liquidity tiers, sample genesis: large caps 2 % initial, 60 % of it maintenance"
_WALK_FORWARD = "scripts/walk_forward.py on BTC hours, May 2018 to February 2022 (docs/assumptions.md)"
_AMOUNT = "assumption: 1e15 quote is more money than there is"

STRUCTS.add(
    Struct(
        name="adaptive",
        order=82,
        section="protocol.risk_model_parameters",
        meaning="Volatility with floor and stress weight, and size, open interest, liquidity and confidence.",
        contract="risk_model",
        checked_in="risk_math",
        model=Model(number=3, source="risk_models/AdaptiveRiskModel.vy"),
        conditions=(
            below("maintenance_floor", "initial_floor"),
            not_above("maintenance_horizon_seconds", "initial_horizon_seconds"),
            below("open_interest_lower", "open_interest_upper"),
        ),
        parameters=(
            replace(Z, default=2.55, source=f"99 % coverage of the maintenance ratio: {_WALK_FORWARD}"),
            INITIAL_HORIZON,
            MAINTENANCE_HORIZON,
            ratio("initial_floor", 0.02, _TIERS, "Smallest initial margin ratio.", INITIAL),
            ratio("maintenance_floor", 0.012, _TIERS, "Smallest maintenance ratio.", MAINTENANCE),
            Parameter(
                name="fast_weight",
                unit="1",
                minimum=0,
                maximum=1,
                default=0.0,
                source=f"a margin with an hour's memory swings eighteenfold: {_WALK_FORWARD}",
                meaning="Share of the fast variance that counts; at 0 the slow memory alone.",
                governed=Governed(step=0.05, tighter="higher"),
            ),
            Parameter(
                name="variance_floor",
                unit="per year",
                minimum=0,
                maximum=1e8,
                default=0.25,
                source=f"9.14: (50 %)^2 for ETH; {_WALK_FORWARD}",
                meaning="Smallest variance margin is computed from.",
                governed=Governed(maximum=100, step=0.05, tighter="higher", reason=FAR_BELOW),
            ),
            Parameter(
                name="variance_stress",
                unit="per year",
                minimum=0,
                maximum=1e8,
                default=2.25,
                source="9.14: (150 %)^2 for ETH",
                meaning="Stressed variance blended in.",
                governed=Governed(maximum=100, step=0.25, tighter="higher", reason=FAR_BELOW),
            ),
            Parameter(
                name="stress_weight",
                unit="1",
                minimum=0,
                maximum=1,
                default=0.0,
                source="the floor takes its place (EMIR RTS 153/2013 article 28(1) asks for one of three"
                f" tools, 25 % here is another): {_WALK_FORWARD}",
                meaning="Weight of the stressed variance.",
                # More weight on stress lowers margin while the market is wilder than that: no safer side.
                governed=Governed(step=0.05),
            ),
            Parameter(
                name="size_coefficient",
                unit="1",
                minimum=0,
                maximum=1_000,
                default=1.0,
                source="9.3: Y = 1",
                meaning="Y of the size term, Y * sigma of a day * (notional / depth)^p.",
                governed=Governed(maximum=100, step=0.25, tighter="higher", reason=FAR_BELOW),
            ),
            Parameter(
                name="size_root",
                unit="root",
                minimum=0,
                maximum=3,
                default=2,
                source="9.3: the square-root impact law; 1 is Deribit's and Synthetix', linear in size",
                meaning="Root that the size term takes: 1 linear (p = 1), 2 square (p = 1/2), 3 cubic "
                "(p = 1/3); 0: the same at any size (p = 0).",
                # A higher root asks more below the depth and less above it: no safer side.
                governed=Governed(step=1),
            ),
            Parameter(
                name="liquidity_floor",
                unit="quote",
                minimum=1,
                maximum=1e20,
                default=100_000_000.0,
                source="assumption: a tenth of the ETH daily volume of 2020",
                meaning="Smallest daily depth the size term divides by.",
                governed=Governed(maximum=1e15, step=1e6, tighter="lower", reason=_AMOUNT),
            ),
            Parameter(
                name="open_interest_lower",
                unit="quote",
                minimum=0,
                maximum=1e20,
                below=True,
                default=20_000_000.0,
                source="dYdX small-cap tier",
                meaning="Open interest above which initial margin rises.",
                governed=Governed(maximum=1e15, step=1e6, tighter="lower", reason=_AMOUNT),
            ),
            Parameter(
                name="open_interest_upper",
                unit="quote",
                minimum=0,
                above=True,
                maximum=1e20,
                default=50_000_000.0,
                source="dYdX small-cap tier",
                meaning="Open interest at which initial margin is 100 %.",
                governed=Governed(minimum=1, maximum=1e15, step=1e6, tighter="lower", reason=_AMOUNT),
            ),
            Parameter(
                name="confidence_coefficient",
                unit="1",
                minimum=0,
                maximum=1_000,
                default=2.0,
                source="9.3: k_c = 2",
                meaning="Weight of confidence / price.",
                governed=Governed(maximum=100, step=0.5, tighter="higher", reason=FAR_BELOW),
            ),
            HAIRCUT,
        ),
    )
)
