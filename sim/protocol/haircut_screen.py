"""What other assets count for over columns of accounts: near enough to find who is close to maintenance.

Exact while the price of every asset is valid, but for rounding. What came in while one was not is
known to the registry alone, which is then asked for everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.core.units import WAD
from sim.protocol.codes import OracleStatus
from sim.protocol.parameters.collateral import ASSET
from sim.protocol.parameters.values import AssetParameters
from sim.protocol.state import AssetState
from sim.reference.haircut_math import base_haircut, largest_counted
from sim.reference.risk_math import liquidity_margin

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Terms:
    """One asset: words of ``ICollateralRegistry.AssetParameters``, and token units of a whole token."""

    words: dict[str, int]
    unit: int


class HaircutScreen:
    """The haircuts of assets in floats."""

    def __init__(self, assets: Sequence[AssetParameters]) -> None:
        self._terms = [
            _Terms({name: ASSET[name].word(value) for name, value in asset.terms.items()}, asset.unit)
            for asset in assets
        ]

    def knows(self, states: Sequence[AssetState]) -> bool:
        """Return whether balances and prices alone say what assets count for."""
        return all(state.status == OracleStatus.VALID for state in states)

    def values(self, states: Sequence[AssetState], balances: Floats) -> Floats:
        """Return what the assets of each account count for in maintenance, liens apart, quote.

        Parameters
        ----------
        balances
            Token units: float64 [asset, account].

        Notes
        -----
        ``haircut_math`` with its constants in the contract's integers; the root of an amount over depth alone
        is taken in floats.
        """
        total = np.zeros(balances.shape[1])
        for terms, state, balance in zip(self._terms, states, balances, strict=True):
            words = terms.words
            variance = max(state.variance_fast, state.variance_slow)
            base = base_haircut(
                words["haircut_min"],
                words["z"],
                words["horizon_seconds"],
                words["confidence_coefficient"],
                variance,
                state.confidence,
                state.index_price,
            )
            depth, coefficient = words["depth"], words["size_coefficient"]
            most = largest_counted(base, depth, variance, coefficient)
            at_depth = liquidity_margin(depth, depth, variance, coefficient) / WAD
            price = min(state.risk_price, state.ema_price) / WAD
            counted = np.minimum(balance / terms.unit * price, most / WAD)
            haircut = base / WAD + at_depth * np.sqrt(counted / (depth / WAD))
            total += counted * (1.0 - haircut)  # which is at most one up to what counts at all
        return total
