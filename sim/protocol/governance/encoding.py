"""The governor's calls that make a change, in steps it allows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sim.protocol import governor_rules as rules
from sim.protocol.deployment import Deployment
from sim.protocol.governance.steps import COUPLINGS, Steps, steps
from sim.protocol.governance.types import Diff, Proposal, Value
from sim.protocol.governance.values import from_chain
from sim.protocol.governor_rules import FieldRule
from sim.protocol.governor_setup import GOVERNOR
from sim.protocol.parameters import MarketParameters, Number, to_chain

STRUCTS: Sequence[tuple[str, str, Mapping[str, FieldRule]]] = (
    ("margin_engine", "margin", rules.MARGIN),
    ("liquidation_engine", "liquidation", rules.LIQUIDATION),
    ("insurance_fund", "fund", rules.FUND),
)
"""(contract, attribute of the parameters, rules)."""


def pricing_terms(market: MarketParameters) -> dict[str, Number]:
    """Return the words of ``set_pricing_terms``."""
    return {"skew_scale": market.skew_scale, "max_premium": market.max_premium}


def open_interest_cap(market: MarketParameters) -> dict[str, Number]:
    """Return the word of ``set_market`` that may change."""
    return {"open_interest_cap": market.open_interest_cap}


def kept(old: Mapping[str, Number], new: Mapping[str, Number], blocked: Container[str]) -> dict[str, Number]:
    """Return the wanted values, but for the fields that cannot change."""
    return {name: old[name] if name in blocked else value for name, value in new.items()}


def setter_steps(
    fields: Mapping[str, FieldRule], before: Sequence[int], after: Sequence[int], coupled: str
) -> Steps:
    """Return the steps of one setter between words; ``coupled`` names the conditions on several of them."""
    word_rules = [rule.words(name) for name, rule in fields.items()]
    return steps(before, after, word_rules, list(fields), COUPLINGS.get(coupled, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One call of a setter."""

    before: dict[str, Value]
    after: dict[str, Value]
    words_before: tuple[int, ...]
    words_after: tuple[int, ...]
    call: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Steps of one setter, to be taken one after the other."""

    contract: str
    target: str
    function: str
    market: int | None
    path: Sequence[_Step]
    first_round: int = 0


def encode(difference: Diff, deployment: Deployment, *, first_identifier: int = 0) -> list[Proposal]:
    """Return the shortest sequence of proposals that makes every enactable change, in order.

    Different setters move side by side, one step each per round; a round takes the delay, or the interval of
    the rate limit if that is longer. A market's formula waits for its cap, whose proposals name the formula.

    Parameters
    ----------
    deployment
        Addresses and ABIs of the protocol to change, as it was deployed.
    first_identifier
        Number that the governor gives its next proposal: ``proposal_count``.
    """
    groups = [group for group in _groups(difference, deployment) if group.path]
    governor = deployment.abis[GOVERNOR]
    round_seconds = max(rules.DELAY_SECONDS, rules.INTERVAL_SECONDS)
    proposals: list[Proposal] = []
    for number in range(max((group.first_round + len(group.path) for group in groups), default=0)):
        for group in groups:
            index = number - group.first_round
            if not 0 <= index < len(group.path):
                continue
            step = group.path[index]
            identifier = first_identifier + len(proposals)
            queue = number * round_seconds
            proposals.append(
                Proposal(
                    identifier=identifier,
                    contract=group.contract,
                    function=group.function,
                    market=group.market,
                    step=index + 1,
                    steps=len(group.path),
                    before=step.before,
                    after=step.after,
                    changed=tuple(name for name in step.after if step.before.get(name) != step.after[name]),
                    words_before=step.words_before,
                    words_after=step.words_after,
                    governor=deployment.addresses[GOVERNOR],
                    target=group.target,
                    call=_hex(step.call),
                    propose=_hex(governor["propose"].encode(group.target, step.call)),
                    execute=_hex(governor["execute"].encode(identifier)),
                    queue_after_seconds=queue,
                    execute_after_seconds=queue + rules.DELAY_SECONDS,
                    expires_after_seconds=queue + rules.DELAY_SECONDS + rules.GRACE_SECONDS,
                )
            )
    return proposals


def _groups(difference: Diff, deployment: Deployment) -> Iterator[_Group]:
    current, proposed = difference.current, difference.proposed
    blocked: defaultdict[tuple[str, int | None], set[str]] = defaultdict(set)
    for change in difference.obstacles:
        blocked[change.contract, change.market].add(change.field)

    def wanted(
        contract: str, market: int | None, old: Mapping[str, Number], new: Mapping[str, Number]
    ) -> dict[str, Number]:
        return kept(old, new, blocked[contract, market])

    for contract, attribute, fields in STRUCTS:
        old, new = getattr(current, attribute), getattr(proposed, attribute)
        path = _path(fields, old, wanted(contract, None, old, new), contract)
        yield _setter(deployment, contract, "set_parameters", None, fields, path)
    for market, (old_market, new_market) in enumerate(zip(current.markets, proposed.markets, strict=False)):
        old, new = pricing_terms(old_market), pricing_terms(new_market)
        path = _path(rules.PRICING_TERMS, old, wanted("liquidity_pool", market, old, new), "liquidity_pool")
        yield _setter(deployment, "liquidity_pool", "set_pricing_terms", market, rules.PRICING_TERMS, path)
        old, new = open_interest_cap(old_market), open_interest_cap(new_market)
        caps = _path(rules.OPEN_INTEREST_CAP, old, wanted("margin_engine", market, old, new), "")
        model = deployment.addresses[f"risk_model:{market}"]
        yield _setter(deployment, "margin_engine", "set_market", market, rules.OPEN_INTEREST_CAP, caps, model)
        if "kind" not in blocked["risk_model", market]:
            kinds = (difference.current_kind, difference.proposed_kind)
            old, new = old_market.risk_model, new_market.risk_model
            new = wanted("risk_model", market, old, new) if kinds[0] == kinds[1] else new
            yield _model(deployment, market, kinds, old, new, first_round=max(len(caps) - 1, 0))


_Path = list[tuple[list[int], list[int]]]
"""(words before, words after) of each step of one setter."""


def _path(
    fields: Mapping[str, FieldRule], old: Mapping[str, Number], new: Mapping[str, Number], coupled: str
) -> _Path:
    before, after = rules.field_words(fields, old), rules.field_words(fields, new)
    return list(pairwise([before, *setter_steps(fields, before, after, coupled).path]))


def _setter(
    deployment: Deployment,
    contract: str,
    function: str,
    market: int | None,
    fields: Mapping[str, FieldRule],
    path: _Path,
    model: str | None = None,
) -> _Group:
    entry = deployment.abis[contract][function]

    def call(words: list[int]) -> bytes:
        head = [] if market is None else [market]
        if model is not None:
            return entry.encode(*head, model, *words)
        return entry.encode(*head, words) if market is None else entry.encode(*head, *words)

    return _Group(
        contract=contract,
        target=deployment.addresses[contract],
        function=function,
        market=market,
        path=[
            _Step(
                before=_values(fields, old),
                after=_values(fields, new),
                words_before=tuple(old),
                words_after=tuple(new),
                call=call(new),
            )
            for old, new in path
        ],
    )


def _model(
    deployment: Deployment,
    market: int,
    kinds: tuple[str, str],
    old: Mapping[str, Number],
    new: Mapping[str, Number],
    first_round: int,
) -> _Group:
    old_kind, kind = kinds
    entry = deployment.abis[GOVERNOR]["set_model"]
    path: list[_Step] = []
    if kind in rules.KINDS:
        fields = rules.MODELS[kind]
        if old_kind == kind:
            pairs = _path(fields, old, new, kind)
        else:
            known = rules.MODELS.get(old_kind, {})
            before, after = rules.field_words(known, old), rules.field_words(fields, new)
            first = _first_of_kind(fields, old, after)
            path.append(
                _Step(
                    before={"kind": old_kind, **(_values(known, before) if known else old)},
                    after={"kind": kind, **_values(fields, first)},
                    words_before=tuple(before),
                    words_after=tuple(first),
                    call=entry.encode(market, rules.KINDS[kind], first),
                )
            )
            pairs = list(pairwise([first, *setter_steps(fields, first, after, kind).path]))
        path += [
            _Step(
                before={"kind": kind, **_values(fields, before)},
                after={"kind": kind, **_values(fields, after)},
                words_before=tuple(before),
                words_after=tuple(after),
                call=entry.encode(market, rules.KINDS[kind], after),
            )
            for before, after in pairs
        ]
    return _Group(
        contract="risk_model",
        target=deployment.addresses[GOVERNOR],
        function="set_model",
        market=market,
        path=path,
        first_round=first_round,
    )


def _first_of_kind(
    fields: Mapping[str, FieldRule], old: Mapping[str, Number], after: Sequence[int]
) -> list[int]:
    """Return the words a market can have at once with another kind of formula: its haircut steps."""
    rule = rules.RESULTS["haircut"].words("haircut")
    return [
        rule.next(to_chain(name, "uint256", old[name]), word) if name == "haircut" and name in old else word
        for name, word in zip(fields, after, strict=True)
    ]


def _values(fields: Mapping[str, FieldRule], words: Sequence[int]) -> dict[str, Value]:
    return {name: from_chain(name, word) for name, word in zip(fields, words, strict=True)}


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
