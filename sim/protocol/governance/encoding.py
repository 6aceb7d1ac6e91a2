"""The governor's calls that make a change, in steps it allows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sim.protocol.deployed import Deployment
from sim.protocol.governance import rules
from sim.protocol.governance.rules import FieldRule, Setter
from sim.protocol.governance.setup import GOVERNOR
from sim.protocol.governance.steps import Steps, steps
from sim.protocol.governance.types import Diff, Proposal, Value
from sim.protocol.parameters.table import STRUCTS
from sim.protocol.parameters.values import ProtocolParameters, Words
from sim.protocol.parameters.words import Number, from_chain, to_chain


def values_of(parameters: ProtocolParameters, setter: Setter, market: int | None) -> Words:
    """Return what a setter would be called with, by field name."""
    holder = parameters if market is None else parameters.markets[market]
    words: Words = getattr(holder, setter.struct)
    return words


def places(current: ProtocolParameters, proposed: ProtocolParameters) -> Iterator[tuple[Setter, int | None]]:
    """Yield every setter, for each market that both versions have where it is a market's."""
    markets = range(min(len(current.markets), len(proposed.markets)))
    for setter in rules.SETTERS:
        if not setter.per_market:
            yield setter, None
    for market in markets:
        for setter in rules.SETTERS:
            if setter.per_market:
                yield setter, market


def kept(old: Mapping[str, Number], new: Mapping[str, Number], blocked: Container[str]) -> dict[str, Number]:
    """Return the wanted values, but for the fields that cannot change."""
    return {name: old[name] if name in blocked else value for name, value in new.items()}


def setter_steps(
    fields: Mapping[str, FieldRule], before: Sequence[int], after: Sequence[int], struct: str
) -> Steps:
    """Return the steps of the words of one struct."""
    word_rules = [rule.words(name) for name, rule in fields.items()]
    return steps(before, after, word_rules, list(fields), STRUCTS[struct].conditions)


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

    first_rounds: dict[int, int] = {}
    for setter, market in places(current, proposed):
        old, new = values_of(current, setter, market), values_of(proposed, setter, market)
        path = _path(setter.fields, old, wanted(setter.contract, market, old, new), setter.struct)
        yield _setter(deployment, setter, market, path)
        if market is not None and setter.fixed:  # its proposals name the formula, which waits for them
            first_rounds[market] = max(len(path) - 1, 0)
    for market, (here, there) in enumerate(zip(current.markets, proposed.markets, strict=False)):
        if "kind" not in blocked["risk_model", market]:
            kinds = (difference.current_kind, difference.proposed_kind)
            old, new = here.risk_model, there.risk_model
            new = wanted("risk_model", market, old, new) if kinds[0] == kinds[1] else new
            yield _model(deployment, market, kinds, old, new, first_round=first_rounds[market])


_Path = list[tuple[list[int], list[int]]]
"""(words before, words after) of each step of one setter."""


def _path(
    fields: Mapping[str, FieldRule], old: Mapping[str, Number], new: Mapping[str, Number], struct: str
) -> _Path:
    before, after = rules.field_words(fields, old), rules.field_words(fields, new)
    return list(pairwise([before, *setter_steps(fields, before, after, struct).path]))


def _setter(deployment: Deployment, setter: Setter, market: int | None, path: _Path) -> _Group:
    contract, fields = setter.contract, setter.fields
    entry = deployment.abis[contract][setter.function]
    head: list[object] = [] if market is None else [market]
    head += [deployment.addresses[f"{name}:{market}"] for name in setter.fixed]

    def call(words: list[int]) -> bytes:
        return entry.encode(*head, *rules.as_arguments(entry.inputs, words))

    return _Group(
        contract=contract,
        target=deployment.addresses[contract],
        function=setter.function,
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
