"""What a deployment leaves behind: who owned it, and where its contracts are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sim.chain.abi import ContractAbi
from sim.chain.accounts import account
from sim.chain.compile import Artifact

OWNER: Final = account("owner").address


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """Addresses, ABIs and artifacts of a deployed protocol; contract keys as in ``contracts.SOURCES``."""

    addresses: Mapping[str, str]
    abis: Mapping[str, ContractAbi]
    artifacts: Mapping[str, Artifact]
    markets: int
    assets: int = 0
    """Assets of the collateral registry."""
