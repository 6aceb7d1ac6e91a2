"""What assets of the collateral registry count for, of every account."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.core.arrays import FloatArray
from sim.core.units import WAD
from sim.protocol.client import ProtocolClient
from sim.protocol.mirror import AccountMirror
from sim.protocol.state import AssetState


def counted_assets(
    client: ProtocolClient, mirror: AccountMirror, states: Sequence[AssetState]
) -> FloatArray | None:
    """Return what the assets of each account count for, quote; None where nobody has any.

    What came in while a price was not valid is known to the registry alone, so that it is asked then.
    """
    if not any(mirror.exact_assets):
        return None
    counted = mirror.screened_assets(states)
    if counted is None:
        exact = client.asset_values(mirror.asset_holders())
        counted = np.zeros(mirror.collateral.shape)
        counted[list(exact)] = np.array(list(exact.values()), dtype=np.float64) / WAD
    return counted
