"""Tiers of size, each part of a position at its own rate: ``risk_math.TieredParameters``."""

from collections.abc import Iterator
from dataclasses import replace

from sim.protocol.parameters.model_rows import (
    FAR_BELOW,
    HAIRCUT,
    HALF_OF_IT,
    INITIAL_HORIZON,
    LEVERAGE,
    MAINTENANCE_HORIZON,
    Z,
    ratio,
)
from sim.protocol.parameters.table import STRUCTS, Governed, Model, Parameter, Struct, below, not_above

_BRACKETS = "Binance BTCUSDT, brackets of 18 March 2021, from 250 thousand on (mechanisms notes 1.8)"
_AMOUNT = "assumption: 1e15 quote is more money than there is"
_SMALL_CAP = "dYdX small-cap tier"

# Through the ramp, a rate that rises in one tier alone eases what is asked of old positions in another: none
# of the table has a safer side, and all of it takes the time-lock.
_INITIAL = Governed(minimum=0.005, step=0.005, reason=LEVERAGE)
_MAINTENANCE = Governed(minimum=0.0025, step=0.0025, reason=HALF_OF_IT)

_TABLE = (
    (0.0, 0.02, 0.01),
    (1_000_000.0, 0.05, 0.025),
    (10_000_000.0, 0.10, 0.05),
    (20_000_000.0, 0.20, 0.10),
)
"""Where each tier begins, its initial and its maintenance ratio."""


def _tier(number: int, lower: float, initial: float, maintenance: float) -> Iterator[Parameter]:
    """Yield the words of one tier."""
    if number > 1:
        yield Parameter(
            name=f"tier_{number}_notional",
            unit="quote",
            minimum=0,
            above=True,
            maximum=1e20,
            default=lower,
            source=_BRACKETS,
            meaning=f"Notional at which tier {number - 1} ends and tier {number} begins.",
            governed=Governed(minimum=1, maximum=1e15, step=1e5, reason=_AMOUNT),
        )
    part = f"of the part of a position in tier {number}"
    yield ratio(f"tier_{number}_initial", initial, _BRACKETS, f"Initial margin ratio {part}.", _INITIAL)
    yield ratio(
        f"tier_{number}_maintenance",
        maintenance,
        f"half of initial; {_BRACKETS}",
        f"Maintenance ratio {part}.",
        _MAINTENANCE,
    )


STRUCTS.add(
    Struct(
        name="tiered",
        order=83,
        section="protocol.risk_model_parameters",
        meaning="Tiers of size without a step between them; volatility where it asks for more, open interest "
        "and confidence.",
        contract="risk_model",
        checked_in="risk_math",
        model=Model(number=4, source="risk_models/TieredRiskModel.vy"),
        conditions=(
            *(below(f"tier_{i}_maintenance", f"tier_{i}_initial") for i in (1, 2, 3, 4)),
            *(not_above(f"tier_{i}_initial", f"tier_{i + 1}_initial") for i in (1, 2, 3)),
            *(not_above(f"tier_{i}_maintenance", f"tier_{i + 1}_maintenance") for i in (1, 2, 3)),
            *(below(f"tier_{i}_notional", f"tier_{i + 1}_notional") for i in (2, 3)),
            not_above("maintenance_horizon_seconds", "initial_horizon_seconds"),
            below("open_interest_lower", "open_interest_upper"),
        ),
        parameters=(
            *(row for number, words in enumerate(_TABLE, start=1) for row in _tier(number, *words)),
            replace(
                Z,
                default=0.0,
                source="exchanges with tiers do not look at volatility; 2.55 as in adaptive makes them a cap",
                meaning="Standard deviations covered at any size; at 0 the tiers alone.",
                governed=Governed(maximum=100, step=0.25, tighter="higher", reason=FAR_BELOW),
            ),
            INITIAL_HORIZON,
            MAINTENANCE_HORIZON,
            Parameter(
                name="fast_weight",
                unit="1",
                minimum=0,
                maximum=1,
                default=0.0,
                source="as in adaptive",
                meaning="Share of the fast variance that counts; at 0 the slow memory alone.",
                governed=Governed(step=0.05, tighter="higher"),
            ),
            Parameter(
                name="open_interest_lower",
                unit="quote",
                minimum=0,
                maximum=1e20,
                below=True,
                default=20_000_000.0,
                source=_SMALL_CAP,
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
                source=_SMALL_CAP,
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
