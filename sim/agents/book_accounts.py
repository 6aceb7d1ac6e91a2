"""The accounts of a book from a file: as columns, and as what is to be opened before block 0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sim.agents.book_file import Book
from sim.agents.kind import ExactOpening, Opening
from sim.agents.population import Population, draw_traits
from sim.core.rng import Streams
from sim.core.units import TOKEN_UNIT, WAD

_LEAST_COLLATERAL = 1.0 / TOKEN_UNIT


def population_of(
    book: Book,
    draws: Streams,
    prefix: str,
    *,
    wallet_ratio: float,
    wallet_deviation: float,
    attentive_share: float,
    automated_share: float,
) -> Population:
    """Return who a book's accounts are; only what no file says of them is drawn.

    Side and market are those of an account's largest position by notional at entry, leverage is all its
    notional over all its collateral.
    """
    count = len(book.accounts)
    collateral = [0] * count
    notional, largest = np.zeros(count), np.zeros(count)
    held: dict[int, list[float]] = {}
    legs = {market: leg for leg, market in enumerate(sorted(set(book.market)))}
    signed = np.zeros((len(legs), count))
    side, markets = np.zeros(count), np.zeros(count, dtype=np.int64)
    columns = (book.account, book.market, book.size, book.entry_price, book.collateral)
    for account, market, size, price, units in zip(*columns, strict=True):
        worth = abs(size) * price // WAD / WAD
        collateral[account] += units
        notional[account] += worth
        held.setdefault(market, [0.0, 0.0])[size < 0] += worth
        signed[legs[market], account] = worth if size > 0 else -worth
        if worth > largest[account]:
            largest[account] = worth
            side[account], markets[account] = 1.0 if size > 0 else -1.0, market
    behind = np.array(collateral) / TOKEN_UNIT
    traits = draw_traits(
        draws,
        prefix,
        behind,
        wallet_ratio=wallet_ratio,
        wallet_deviation=wallet_deviation,
        attentive_share=attentive_share,
        automated_share=automated_share,
    )
    return Population(
        markets=markets,
        held={market: (long, short) for market, (long, short) in sorted(held.items())},
        legs=tuple(legs),
        shares=signed / np.where(notional > 0.0, notional, 1.0),
        side=side,
        leverage=notional / np.maximum(behind, _LEAST_COLLATERAL),
        notional=notional,
        collateral=behind,
        wallet=traits.wallet,
        attentive=traits.attentive,
        automated=traits.automated,
    )


def openings_of(book: Book, people: Population, actors: Sequence[int]) -> Iterator[Opening]:
    """Yield what is to be opened, row by row; an account's wallet comes with its first."""
    seen: set[int] = set()
    columns = (book.account, book.market, book.size, book.entry_price, book.collateral, book.places)
    for account, market, size, price, collateral, place in zip(*columns, strict=True):
        yield Opening(
            actor=actors[account],
            market=market,
            size=size / WAD,
            collateral=collateral / TOKEN_UNIT,
            wallet=0.0 if account in seen else float(people.wallet[account]),
            entry_price=price,
            exact=ExactOpening(size=size, collateral=collateral, place=place),
        )
        seen.add(account)
