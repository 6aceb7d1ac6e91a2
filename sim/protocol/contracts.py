"""Which contracts the protocol consists of and where their sources are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sim.chain.abi import ContractAbi
from sim.chain.compile import Artifact, compile_contract, contracts_root
from sim.protocol.parameters.table import models

SOURCES: Mapping[str, str] = {
    "token": "testing/ERC20Mock.vy",
    "price_oracle": "PriceOracle.vy",
    "margin_engine": "MarginEngine.vy",
    "liquidity_pool": "LiquidityPool.vy",
    "insurance_fund": "InsuranceFund.vy",
    "liquidation_engine": "LiquidationEngine.vy",
    "lens": "Lens.vy",
    "risk_governor": "RiskGovernor.vy",
}
"""Contract key -> source file below the contracts folder, in deployment order."""

RISK_MODELS: Mapping[str, str] = {
    name: struct.model.source for name, struct in models().items() if struct.model is not None
}
"""Name in a scenario -> source file of the risk models that ship."""


def compile_protocol(
    risk_model: str, custom_model: Path | None = None, root: Path | None = None
) -> dict[str, Artifact]:
    """Compile every contract, the risk model under the key ``risk_model``.

    Parameters
    ----------
    risk_model
        A name of ``RISK_MODELS``; ignored with ``custom_model``.
    custom_model
        A designer's own ``.vy`` file.
    root
        Folder of contracts instead of the shipped ones, laid out alike.

    Raises
    ------
    InputError
        A source does not compile.
    """
    root = contracts_root() if root is None else root
    artifacts = {key: compile_contract(root / source, search_root=root) for key, source in SOURCES.items()}
    path = custom_model if custom_model is not None else root / RISK_MODELS[risk_model]
    artifacts["risk_model"] = compile_contract(path, search_root=root)
    return artifacts


def compile_risk_models(root: Path | None = None) -> dict[str, Artifact]:
    """Compile the risk models that ship, by name in a scenario.

    Parameters
    ----------
    root
        Folder of contracts instead of the shipped ones, laid out alike.
    """
    root = contracts_root() if root is None else root
    return {kind: compile_contract(root / source, search_root=root) for kind, source in RISK_MODELS.items()}


def load_abis(artifacts: Mapping[str, Artifact]) -> dict[str, ContractAbi]:
    """Return the ABI of every artifact by contract key."""
    return {key: ContractAbi(artifact.abi) for key, artifact in artifacts.items()}
