"""Why a margin formula has no good answer before the first block: asked again, as the registry asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace

from sim.chain.abi import ContractAbi
from sim.chain.chain import Chain
from sim.core.columns import fields_of
from sim.core.units import WAD
from sim.protocol.event_words import plain_number
from sim.protocol.formulas import FormulaInputs, ask_ratios
from sim.reference import pool_math


def why_no_first_answer(
    chain: Chain, abis: Mapping[str, ContractAbi], addresses: Mapping[str, str], market: int
) -> str:
    """Return what a market's formula does instead of answering, and to which question.

    Parameters
    ----------
    abis, addresses
        By contract key; the market is known to oracle and pool.
    """
    for what, inputs in _questions(chain, abis, addresses, market):
        fault = ask_ratios(chain, abis["risk_model"], addresses[f"risk_model:{market}"], inputs)
        if fault is not None:
            return f"asked about {what}, it {fault.told()}; it was asked with {_words(inputs)}"
    return "it answers when it is asked again"


def _questions(
    chain: Chain, abis: Mapping[str, ContractAbi], addresses: Mapping[str, str], market: int
) -> Iterator[tuple[str, FormulaInputs]]:
    asset = _read(chain, abis, addresses, "price_oracle", "asset_price", market)
    terms = _read(chain, abis, addresses, "liquidity_pool", "pricing_terms", market)
    known = _read(chain, abis, addresses, "volatility_oracle", "variances", market)
    view = abis["market_registry"]["volatility_oracle"]
    if not int.from_bytes(chain.call(addresses["market_registry"], view.encode()), "big"):
        known = dict.fromkeys(known, 0)  # it is not asked
    nobody = FormulaInputs(
        notional=0,
        price=asset["index_price"],
        confidence=asset["confidence"],
        variance_fast=known["chosen"] or asset["variance_fast"],
        variance_slow=known["chosen"] or asset["variance_slow"],
        open_interest=0,
        depth=pool_math.depth(terms["skew_scale"], asset["index_price"]),
        side=0,
        skew=0,
        exceptions=0,
        variance_range=known["ranged"],
        variance_implied=known["implied"],
        account_notional=0,
        report_age_seconds=chain.timestamp - min(asset["updated_at"], chain.timestamp),
    )
    yield "the market without a position", nobody
    rest = replace(nobody, confidence=0, variance_fast=0, variance_slow=0, report_age_seconds=0)
    for side, name in ((1, "long"), (-1, "short")):
        yield f"a {name} without size in a market at rest", replace(rest, side=side)


def _read(
    chain: Chain,
    abis: Mapping[str, ContractAbi],
    addresses: Mapping[str, str],
    key: str,
    function: str,
    market: int,
) -> dict[str, int]:
    """Return a struct of a contract by the names of its words."""
    view = abis[key][function]
    values = view.decode(chain.call(addresses[key], view.encode(market)))
    names = [component["name"] for component in view.outputs[0]["components"]]
    return dict(zip(names, values, strict=True))


def _words(inputs: FormulaInputs) -> str:
    """Return the inputs by name, as people read them; those that are zero are left out."""
    values = asdict(inputs)
    found = [
        f"{field.name} {plain_number(values[field.name], WAD if field.column.unit.endswith('WAD') else 1)}"
        for field in fields_of(FormulaInputs)
        if values[field.name]
    ]
    return ", ".join(found) + ", everything else 0"
