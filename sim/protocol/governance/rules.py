"""What the ``RiskGovernor`` lets a parameter become, read off the table of parameters, and what it may call.

A bound is the contract's own unless the row gives a reason for a tighter one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sim.core.units import MAX_UINT256, WAD, to_wad
from sim.protocol.parameters.collateral import ASSET
from sim.protocol.parameters.model_rows import HAIRCUT
from sim.protocol.parameters.table import STRUCTS, Bound, Parameter, Side, Struct, models
from sim.protocol.parameters.words import Number, to_chain

DAY_SECONDS: Final = 86_400
DELAY_SECONDS: Final = 2 * DAY_SECONDS
"""Time-lock of parameters. Compound's Timelock: at least 2 days."""
LONG_DELAY_SECONDS: Final = 7 * DAY_SECONDS
"""Time-lock of rules, roles, ownership and most calls without rules. Aave's long executor: 7 days."""
GRACE_SECONDS: Final = 14 * DAY_SECONDS
"""Window of execution. Compound's Timelock: 14 days; fixed in ``governance_roles.vy``."""
INTERVAL_SECONDS: Final = DAY_SECONDS
"""Least time between two executions on one setter. Assumption: a day to see what the last one did."""

_SIDES: Final = {"": 0, "higher": 1, "lower": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """What one field may become; amounts in people's units."""

    minimum: Bound
    maximum: Bound
    increase: float
    """Largest relative increase in one execution."""
    decrease: float
    """Largest relative decrease in one execution."""
    step: float
    """Change that is always allowed, so that a field can leave zero."""
    tighter: Side
    """Side the guardian may move it to without delay."""
    source: str
    unlimited: bool = False
    """Whether the limit it states may be switched off."""
    grain: int = 1
    """Integers on chain must be multiples of this."""

    def words(self, name: str) -> WordRule:
        """Return the rule as the contract takes it, for the field of a name."""
        return WordRule(
            minimum=to_chain(name, "uint256", self.minimum),
            maximum=to_chain(name, "uint256", self.maximum),
            increase=to_wad(self.increase),
            decrease=to_wad(self.decrease),
            step=to_chain(name, "uint256", self.step),
            tighter=_SIDES[self.tighter],
            unlimited=self.unlimited,
            grain=self.grain,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WordRule:
    """A rule in integers, and what it allows: twin of ``governance_rules.vy``."""

    minimum: int
    maximum: int
    increase: int
    decrease: int
    step: int
    tighter: int
    unlimited: bool
    grain: int = 1

    def encoded(self) -> tuple[int, int, int, int, int, int, bool]:
        """Return the fields of ``IRiskGovernor.WordRule`` in order."""
        return (
            self.minimum,
            self.maximum,
            self.increase,
            self.decrease,
            self.step,
            self.tighter,
            self.unlimited,
        )

    def allows(self, word: int) -> bool:
        """Return whether a value is within bounds, twin of ``_check_bounds`` and the unlimited value."""
        return (word == MAX_UINT256 and self.unlimited) or self.minimum <= word <= self.maximum

    def reach(self, old: int) -> tuple[int, int]:
        """Return the least and the largest value that one execution can set, twin of ``_check_word``."""
        if old == MAX_UINT256 and self.unlimited:
            return self.minimum, self.maximum
        base = min(max(old, self.minimum), self.maximum)
        down = max(base * self.decrease // WAD, self.step)
        up = max(base * self.increase // WAD, self.step)
        return max(base - down, self.minimum), min(base + up, self.maximum)

    def refusal(self, old: int, new: int, *, only_tighter: bool = False) -> str | None:
        """Return why the contract refuses a change, None if it does not; twin of ``_check_word``."""
        if only_tighter and not ((self.tighter == 1 and new > old) or (self.tighter == 2 and new < old)):
            return "governor: not tighter"
        if new == MAX_UINT256 and self.unlimited:
            return None
        if not self.minimum <= new <= self.maximum:
            return "governor: out of bounds"
        least, most = self.reach(old)
        return None if least <= new <= most else "governor: step too large"

    def next(self, old: int, target: int) -> int:
        """Return the value nearest to the target that one execution can set; the target must be allowed."""
        if target == MAX_UINT256:
            return target
        least, most = self.reach(old)
        word = min(max(target, least), most)
        if word == target or self.grain == 1:
            return word
        # Away from a grain, stay on the near side: a step is never made larger by rounding.
        return word // self.grain * self.grain if target > old else -(-word // self.grain) * self.grain


_STEPS: Final[Mapping[Side, tuple[float, float]]] = {
    "": (1.0, 0.5),
    "higher": (0.5, 0.25),
    "lower": (0.25, 0.5),
}
"""Side that is tighter -> largest relative increase and decrease of one execution; assumptions."""


def rule_of(row: Parameter, checked_in: str) -> FieldRule:
    """Return the rule of a row that the governor may change.

    Raises
    ------
    ValueError
        The row says nothing about the governor.
    """
    governed = row.governed
    if governed is None:
        raise ValueError(f"{row.name} has no rule")
    increase, decrease = _STEPS[governed.tighter]
    return FieldRule(
        minimum=row.minimum if governed.minimum is None else governed.minimum,
        maximum=row.maximum if governed.maximum is None else governed.maximum,
        increase=increase,
        decrease=decrease,
        step=governed.step,
        tighter=governed.tighter,
        source=governed.reason or f"contract: {checked_in}",
        unlimited=bool(row.switch),
        grain=row.grain,
    )


def rules_of(struct: Struct) -> dict[str, FieldRule]:
    """Return the rule of every field of a struct, in order."""
    return {row.name: rule_of(row, struct.checked_in) for row in struct}


GOVERNED: Final[Mapping[str, Mapping[str, FieldRule]]] = {
    struct.name: rules_of(struct)
    for struct in STRUCTS
    if struct.setter is not None or struct.model is not None
}
"""Struct of the table -> field -> rule, in the contract's order."""

MODELS: Final[Mapping[str, Mapping[str, FieldRule]]] = {name: GOVERNED[name] for name in models()}
"""Kind of risk model -> constructor field -> rule, in the constructor's order."""

KINDS: Final[Mapping[str, int]] = {
    name: struct.model.number for name, struct in models().items() if struct.model is not None
}
"""Number under which the governor knows a kind of risk model."""

RESULTS: Final[Mapping[str, FieldRule]] = {
    "ratio": FieldRule(
        minimum=0.0025,
        maximum=1.0,
        increase=1.0,
        decrease=0.5,
        step=0.0025,
        tighter="higher",
        source="assumption: a change of formula may double or halve a market's ratios as of then",
    ),
    "haircut": rule_of(HAIRCUT, "risk_math"),
}
"""What a new formula may do to the initial and the maintenance ratio and the haircut of its market."""

FIXED: Final = WordRule(minimum=1, maximum=0, increase=0, decrease=0, step=0, tighter=0, unlimited=False)
"""A word that may never change: the formula's address in ``set_market``."""

ANYTHING: Final = WordRule(
    minimum=0, maximum=2**128 - 1, increase=0, decrease=0, step=2**128 - 1, tighter=0, unlimited=True
)
"""A word that may become any other in one step; the largest maximum that the governor computes with."""
FORWARDER_KIND: Final = 1_000
"""Number of the formula that asks another one, where rules bound nothing; none that ships has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setter:
    """A setter that rules bound."""

    struct: str
    """Name in the table of parameters."""
    contract: str
    function: str
    view: str
    """View of the same contract that returns the words, first ones first."""
    per_market: bool
    fields: Mapping[str, FieldRule]
    """Words of the setter by name, in its order; with ``fixed`` before them."""
    fixed: tuple[str, ...] = ()
    """Leading words that may never change."""

    def word_rules(self) -> list[WordRule]:
        """Return one rule for each word."""
        return [FIXED] * len(self.fixed) + [rule.words(name) for name, rule in self.fields.items()]


def as_arguments(inputs: Sequence[Mapping[str, object]], words: Sequence[int]) -> list[object]:
    """Return the words of a setter as its last arguments: one struct, or each an argument of its own."""
    return [tuple(words)] if inputs[-1]["type"] == "tuple" else list(words)


SETTERS: Final[Sequence[Setter]] = tuple(
    Setter(
        struct=struct.name,
        contract=struct.contract,
        function=struct.setter.function,
        view=struct.setter.view,
        per_market=struct.setter.per_market,
        fields=GOVERNED[struct.name],
        fixed=struct.setter.fixed,
    )
    for struct in STRUCTS
    if struct.setter is not None
)
"""Every setter of a risk parameter. A market's formula is set by the governor's own ``set_model``."""


ASSET_SETTER: Final = Setter(
    struct=ASSET.name,
    contract=ASSET.contract,
    function="set_parameters",
    view="parameters",
    per_market=True,
    fields=rules_of(ASSET),
)
"""The setter of each asset of the collateral registry, whose number stands in the place of a market's."""


class Call(NamedTuple):
    """A function that no rule bounds; the time-lock alone protects."""

    contract: str
    function: str
    is_long: bool
    reason: str


OWNED: Final = (
    "price_oracle",
    "volatility_oracle",
    "ledger",
    "liquidity_pool",
    "insurance_fund",
    "market_registry",
    "collateral_registry",
    "risk_engine",
    "loss_waterfall",
    "liquidation_engine",
    "trading_desk",
)
"""Contracts that the governor owns."""

ASSET_OWNED: Final = ("collateral_oracle", "spot_pool")
"""The same of contracts that are there with assets only; a pool for each."""

SHORT, LONG = False, True

CALLS: Final[Sequence[Call]] = (
    Call("trading_desk", "unpause", SHORT, "lets risk be added again"),
    Call("trading_desk", "collect_fees", SHORT, "moves the protocol's own fees"),
    Call("ledger", "set_operator", LONG, "an operator can book anything on any account"),
    Call("risk_engine", "set_portfolio_model", LONG, "a model says what hedged accounts must hold"),
    Call("loss_waterfall", "set_deleverage_policy", LONG, "a policy says who pays for a deficit"),
    Call("risk_engine", "set_cluster", SHORT, "says whose sizes count together for what adds risk"),
    Call("insurance_fund", "set_drawer", LONG, "a drawer can empty the fund"),
    Call("price_oracle", "add_asset", LONG, "first step of a new market"),
    Call("price_oracle", "add_reporter", LONG, "reporters make the price"),
    Call("price_oracle", "change_reporter", LONG, "a weight is a part in the price"),
    Call("price_oracle", "remove_reporter", SHORT, "who is left still outvotes any one of them"),
    Call("volatility_oracle", "add_market", LONG, "may follow the second step of a new market"),
    Call("volatility_oracle", "set_implied_reporter", LONG, "a reported variance may be what is chosen"),
    Call("liquidity_pool", "add_market", LONG, "second step of a new market"),
    Call("collateral_registry", "add_asset", LONG, "what counts as margin from then on"),
    Call("collateral_registry", "set_spot_pool", LONG, "where seized collateral is sold"),
    *(Call(key, "transfer_ownership", LONG, "a successor of the governor") for key in OWNED),
)
"""Every owner's function that a proposal can call without a rule, and its delay."""

ASSET_CALLS: Final[Sequence[Call]] = (
    *(call._replace(contract="collateral_oracle") for call in CALLS if call.contract == "price_oracle"),
    Call("spot_pool", "add_liquidity", SHORT, "the protocol's own tokens"),
    Call("spot_pool", "remove_liquidity", LONG, "forced sales wait without it"),
    Call("spot_pool", "transfer_ownership", LONG, "a successor of the governor"),
)
"""The same of contracts that are there with assets only."""

NEVER: Final[Mapping[str, str]] = {
    "ledger.connect": "works once, and has",
    "liquidity_pool.connect": "works once, and has",
    "market_registry.add_market": "only through the governor's add_market, from a blueprint",
    "trading_desk.pause": "only through the governor's pause, without delay",
}
"""Owner's functions that no proposal can call directly, each with its reason."""


def field_words(rules: Mapping[str, FieldRule], values: Mapping[str, Number]) -> list[int]:
    """Return the integers of all fields in order."""
    return [to_chain(name, "uint256", values[name]) for name in rules]
