"""A parameter change as data: what differs, which calls enact it, and the proof that they do.

``diff`` names every parameter that differs between two versions of a protocol and says which of them the
``RiskGovernor`` can change. ``encode`` turns those into the governor's own calls, split into the steps its
rate limits ask for. ``enact`` sends the calls to a chain, past the time-lock, and reads the parameters back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sim.protocol.governance import rules
from sim.protocol.governance.enactment import enact
from sim.protocol.governance.encoding import encode, kept, places, setter_steps, values_of
from sim.protocol.governance.rules import FieldRule
from sim.protocol.governance.types import (
    Change,
    Diff,
    EnactedProposal,
    Enactment,
    Proposal,
    Reading,
    Value,
)
from sim.protocol.parameters.values import ProtocolParameters
from sim.protocol.parameters.words import Number, to_chain

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
_REPORTER_FIXED = "not by parameter: change_reporter sets one reporter's heartbeat, with the long time-lock"
_OWN_MODEL = (
    "a designer's own model: its blueprint must be registered first (long time-lock, docs/governance.md)"
)
_MARKETS = "a market is added by structural calls with the long time-lock, never removed"


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
        Parameters of all contracts, as a scenario states them.
    current_kind, proposed_kind
        ``static``, ``volatility``, ``adaptive``, ``tiered``, or a designer's own file, as in a scenario.
    """
    changes: list[Change] = []
    for setter, market in places(current, proposed):
        old, new = values_of(current, setter, market), values_of(proposed, setter, market)
        changes += _compare(setter.contract, market, old, new, setter.fields, setter.struct)
    for market, (here, there) in enumerate(zip(current.markets, proposed.markets, strict=False)):
        changes += _compare_models(market, here.risk_model, there.risk_model, current_kind, proposed_kind)
        for name in ("name", "initial_price", "initial_variance_fast", "initial_variance_slow"):
            changes += _obstructed(
                "price_oracle", market, name, getattr(here, name), getattr(there, name), _START_VALUE
            )
    changes += _obstructed(
        "market_registry", None, "markets", len(current.markets), len(proposed.markets), _MARKETS
    )
    for attribute, reason in (("oracle", _ORACLE_FIXED), ("reporter", _REPORTER_FIXED)):
        old, new = getattr(current, attribute), getattr(proposed, attribute)
        for name in sorted(old.keys() | new.keys()):
            changes += _obstructed("price_oracle", None, name, old.get(name), new.get(name), reason)
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
    struct: str,
) -> Iterator[Change]:
    """Yield the fields of one setter that differ on chain, each with what keeps it from changing."""
    before, after = rules.field_words(fields, old), rules.field_words(fields, new)
    differing = [name for name, a, b in zip(fields, before, after, strict=True) if a != b]
    obstacles = {
        name: _out_of_bounds(fields[name])
        for name, word in zip(fields, after, strict=True)
        if name in differing and not fields[name].words(name).allows(word)
    }
    # What can change must also have a way there beside what cannot.
    wanted = rules.field_words(fields, kept(old, new, obstacles))
    obstacles |= setter_steps(fields, before, wanted, struct).reasons
    for name in differing:
        yield Change(
            contract=contract,
            market=market,
            field=name,
            before=old[name],
            after=new[name],
            obstacle=obstacles.get(name),
        )


def _compare_models(
    market: int, old: Mapping[str, Number], new: Mapping[str, Number], old_kind: str, new_kind: str
) -> Iterator[Change]:
    if old_kind == new_kind and new_kind in rules.KINDS:
        yield from _compare("risk_model", market, old, new, rules.MODELS[new_kind], new_kind)
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
