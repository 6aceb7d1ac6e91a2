"""A parameter change as data: what differs, which calls enact it, and the proof that they do.

``diff`` names every parameter that differs between two versions of a protocol and says which of them the
``RiskGovernor`` can change. ``encode`` turns those into the governor's own calls, split into the steps its
rate limits ask for. ``enact`` sends the calls to a chain, past the time-lock, and reads the parameters back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sim.protocol import governance_rules as rules
from sim.protocol.deployment import Deployment
from sim.protocol.governance_enactment import enact
from sim.protocol.governance_rules import FieldRule
from sim.protocol.governance_steps import COUPLINGS, steps
from sim.protocol.governance_types import (
    Change,
    Diff,
    EnactedProposal,
    Enactment,
    Proposal,
    Reading,
    Value,
)
from sim.protocol.governance_values import from_chain
from sim.protocol.governor_setup import GOVERNOR
from sim.protocol.parameters import MarketParameters, Number, ProtocolParameters, to_chain

__all__ = [
    "Change",
    "Diff",
    "EnactedProposal",
    "Enactment",
    "Proposal",
    "Reading",
    "Value",
    "diff",
    "enact",
    "encode",
]

_ORACLE_FIXED = "the oracle's parameters are fixed at deployment: a change is a new oracle and a migration"
_START_VALUE = "where a run starts, not a parameter"
_REPORTER_FIXED = "a reporter keeps the weight and heartbeat it was added with: the oracle has no setter"
_OWN_MODEL = (
    "a designer's own model: its blueprint must be registered first (long time-lock, docs/governance.md)"
)
_MARKETS = "a market is added by structural calls with the long time-lock, never removed"
_STRUCTS: Sequence[tuple[str, str, Mapping[str, FieldRule]]] = (
    ("margin_engine", "margin", rules.MARGIN),
    ("liquidation_engine", "liquidation", rules.LIQUIDATION),
    ("insurance_fund", "fund", rules.FUND),
)
"""(contract, attribute of the parameters, rules)."""


def diff(
    current: ProtocolParameters,
    proposed: ProtocolParameters,
    *,
    current_kind: str,
    proposed_kind: str,
) -> Diff:
    """Return what differs between two versions of a protocol.

    Parameters
    ----------
    current, proposed
        Parameters of all contracts (``sim.engine.configs.protocol_parameters`` makes them of a scenario).
    current_kind, proposed_kind
        ``static``, ``volatility``, ``adaptive``, or the file of a designer's own model, as in a scenario.
    """
    changes: list[Change] = []
    for contract, attribute, fields in _STRUCTS:
        changes += _compare(contract, None, getattr(current, attribute), getattr(proposed, attribute), fields)
    for market, (old, new) in enumerate(zip(current.markets, proposed.markets, strict=False)):
        changes += _compare(
            "liquidity_pool", market, _pricing_terms(old), _pricing_terms(new), rules.PRICING_TERMS
        )
        changes += _compare("margin_engine", market, _cap(old), _cap(new), rules.OPEN_INTEREST_CAP)
        changes += _compare_models(market, old.risk_model, new.risk_model, current_kind, proposed_kind)
        for name in ("name", "initial_price", "initial_variance_fast", "initial_variance_slow"):
            changes += _obstructed(
                "price_oracle", market, name, getattr(old, name), getattr(new, name), _START_VALUE
            )
    changes += _obstructed(
        "margin_engine", None, "markets", len(current.markets), len(proposed.markets), _MARKETS
    )
    for name in sorted(current.oracle.keys() | proposed.oracle.keys()):
        changes += _obstructed(
            "price_oracle", None, name, current.oracle.get(name), proposed.oracle.get(name), _ORACLE_FIXED
        )
    for name in ("reporter_weight", "reporter_heartbeat_seconds"):
        changes += _obstructed(
            "price_oracle", None, name, getattr(current, name), getattr(proposed, name), _REPORTER_FIXED
        )
    return Diff(
        current=current,
        proposed=proposed,
        current_kind=current_kind,
        proposed_kind=proposed_kind,
        changes=tuple(changes),
    )


def _compare(
    contract: str,
    market: int | None,
    old: Mapping[str, Number],
    new: Mapping[str, Number],
    fields: Mapping[str, FieldRule],
) -> Iterator[Change]:
    """Yield the fields of one setter that differ on chain."""
    for name, rule in fields.items():
        words = rule.words(name)
        before, after = to_chain(name, "uint256", old[name]), to_chain(name, "uint256", new[name])
        if before == after:
            continue
        obstacle = None if words.allows(after) else _out_of_bounds(rule)
        yield Change(
            contract=contract, market=market, field=name, before=old[name], after=new[name], obstacle=obstacle
        )


def _compare_models(
    market: int, old: Mapping[str, Number], new: Mapping[str, Number], old_kind: str, new_kind: str
) -> Iterator[Change]:
    if old_kind == new_kind and new_kind in rules.KINDS:
        yield from _compare("risk_model", market, old, new, rules.MODELS[new_kind])
        return
    if old_kind == new_kind and dict(old) == dict(new):
        return
    obstacle = _OWN_MODEL
    if new_kind in rules.KINDS:
        # A formula is set whole: one value out of bounds stops it.
        obstacle = "; ".join(
            f"{name}: {_out_of_bounds(rule)}"
            for name, rule in rules.MODELS[new_kind].items()
            if not rule.words(name).allows(to_chain(name, "uint256", new[name]))
        )
    values: list[tuple[str, Value | None, Value | None]] = [("kind", old_kind, new_kind)]
    values += [(name, old.get(name), new.get(name)) for name in dict.fromkeys((*old, *new))]
    for name, before, after in values:
        if before != after:
            yield Change(
                contract="risk_model",
                market=market,
                field=name,
                before=before,
                after=after,
                obstacle=obstacle or None,
            )


def _obstructed(
    contract: str, market: int | None, field: str, before: Value | None, after: Value | None, reason: str
) -> list[Change]:
    if before == after:
        return []
    return [
        Change(contract=contract, market=market, field=field, before=before, after=after, obstacle=reason)
    ]


def _out_of_bounds(rule: FieldRule) -> str:
    return f"outside the governor's bounds {rule.minimum:g} to {rule.maximum:g} ({rule.source})"


def _pricing_terms(market: MarketParameters) -> dict[str, Number]:
    return {"skew_scale": market.skew_scale, "max_premium": market.max_premium}


def _cap(market: MarketParameters) -> dict[str, Number]:
    return {"open_interest_cap": market.open_interest_cap}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Steps of one setter, to be taken one after the other."""

    contract: str
    target: str
    function: str
    market: int | None
    names: tuple[str, ...]
    path: Sequence[tuple[Mapping[str, Value], Mapping[str, Value], bytes]]
    """(before, after, calldata) of each step."""
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
            step = number - group.first_round
            if not 0 <= step < len(group.path):
                continue
            before, after, call = group.path[step]
            identifier = first_identifier + len(proposals)
            queue = number * round_seconds
            proposals.append(
                Proposal(
                    identifier=identifier,
                    contract=group.contract,
                    function=group.function,
                    market=group.market,
                    step=step + 1,
                    steps=len(group.path),
                    before=dict(before),
                    after=dict(after),
                    changed=tuple(name for name in after if before.get(name) != after[name]),
                    governor=deployment.addresses[GOVERNOR],
                    target=group.target,
                    call=_hex(call),
                    propose=_hex(governor["propose"].encode(group.target, call)),
                    execute=_hex(governor["execute"].encode(identifier)),
                    queue_after_seconds=queue,
                    execute_after_seconds=queue + rules.DELAY_SECONDS,
                    expires_after_seconds=queue + rules.DELAY_SECONDS + rules.GRACE_SECONDS,
                )
            )
    return proposals


def _groups(difference: Diff, deployment: Deployment) -> Iterator[_Group]:
    current, proposed = difference.current, difference.proposed
    blocked = {(change.contract, change.market, change.field) for change in difference.obstacles}

    def wanted(
        contract: str, market: int | None, old: Mapping[str, Number], new: Mapping[str, Number]
    ) -> dict[str, Number]:
        return {
            name: old[name] if (contract, market, name) in blocked else value for name, value in new.items()
        }

    for contract, attribute, fields in _STRUCTS:
        old, new = getattr(current, attribute), getattr(proposed, attribute)
        path = _path(fields, old, wanted(contract, None, old, new), contract)
        yield _setter(deployment, contract, "set_parameters", None, fields, path)
    for market, (old_market, new_market) in enumerate(zip(current.markets, proposed.markets, strict=False)):
        old, new = _pricing_terms(old_market), _pricing_terms(new_market)
        path = _path(rules.PRICING_TERMS, old, wanted("liquidity_pool", market, old, new), "liquidity_pool")
        yield _setter(deployment, "liquidity_pool", "set_pricing_terms", market, rules.PRICING_TERMS, path)
        old, new = _cap(old_market), _cap(new_market)
        caps = _path(rules.OPEN_INTEREST_CAP, old, wanted("margin_engine", market, old, new), "")
        model = deployment.addresses[f"risk_model:{market}"]
        yield _setter(deployment, "margin_engine", "set_market", market, rules.OPEN_INTEREST_CAP, caps, model)
        if ("risk_model", market, "kind") not in blocked:
            kinds = (difference.current_kind, difference.proposed_kind)
            old, new = old_market.risk_model, new_market.risk_model
            new = wanted("risk_model", market, old, new) if kinds[0] == kinds[1] else new
            yield _model(deployment, market, kinds, old, new, first_round=max(len(caps) - 1, 0))


def _path(
    fields: Mapping[str, FieldRule], old: Mapping[str, Number], new: Mapping[str, Number], coupled: str
) -> list[tuple[list[int], list[int]]]:
    """Return (words before, words after) of each step of one setter."""
    before = rules.field_words(fields, old)
    after = rules.field_words(fields, new)
    word_rules = [rule.words(name) for name, rule in fields.items()]
    path = steps(before, after, word_rules, list(fields), COUPLINGS.get(coupled, ()))
    return list(zip([before, *path], path, strict=False))


def _setter(
    deployment: Deployment,
    contract: str,
    function: str,
    market: int | None,
    fields: Mapping[str, FieldRule],
    path: Sequence[tuple[list[int], list[int]]],
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
        names=tuple(fields),
        path=[(_values(fields, old), _values(fields, new), call(new)) for old, new in path],
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
    path: list[tuple[Mapping[str, Value], Mapping[str, Value], bytes]] = []
    if kind in rules.KINDS:
        fields = rules.MODELS[kind]
        if old_kind == kind:
            stepped = _path(fields, old, new, kind)
            pairs = [(_values(fields, before), after) for before, after in stepped]
        else:
            known = rules.MODELS.get(old_kind)
            values: dict[str, Value] = (
                dict(old) if known is None else _values(known, rules.field_words(known, old))
            )
            pairs = [(values, rules.field_words(fields, new))]
        path = [
            (
                {"kind": old_kind, **before},
                {"kind": kind, **_values(fields, words)},
                entry.encode(market, rules.KINDS[kind], words),
            )
            for before, words in pairs
        ]
    return _Group(
        contract="risk_model",
        target=deployment.addresses[GOVERNOR],
        function="set_model",
        market=market,
        names=("kind", *new),
        path=path,
        first_round=first_round,
    )


def _values(fields: Mapping[str, FieldRule], words: Sequence[int]) -> dict[str, Value]:
    return {name: from_chain(name, word) for name, word in zip(fields, words, strict=True)}


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
