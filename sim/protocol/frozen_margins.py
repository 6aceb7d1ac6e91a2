"""The margin formulas of a deployment behind contracts that can hold their inputs as they are.

What the world without margin feedback is made with (``contracts/testing/FrozenRiskModel.vy``). The formula is
created by an account of its own and its stand-in takes its place, so that no address of the protocol moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sim.chain.abi import ContractAbi
from sim.chain.accounts import account
from sim.chain.chain import Chain
from sim.chain.compile import Artifact, compile_contract, contracts_root
from sim.chain.transaction import Transaction
from sim.core.errors import InputError, RunError
from sim.protocol.contracts import RISK_MODEL_VIEWS, views
from sim.protocol.deployed import Deployment

SOURCE: Final = "testing/FrozenRiskModel.vy"
FREEZER: Final = account("freezer").address
"""Creates the formulas and may freeze their inputs."""


def compile_stand_in(formula: Artifact) -> Artifact:
    """Compile the stand-in: Seawall's own, whatever contracts are deployed.

    Raises
    ------
    InputError
        The formula is asked other questions than Seawall's interface has.
    """
    stand_in = compile_contract(contracts_root() / SOURCE)
    asked, answered = views(formula), views(stand_in)
    for name in RISK_MODEL_VIEWS:
        if asked.get(name) != answered[name]:
            raise InputError(
                f"a world without margin feedback needs {name} as IRiskModel.vyi has it, "
                f"{answered[name]}; {formula.name} has {asked.get(name)}: run without --worlds all"
            )
    return stand_in


def stand_in_for(
    chain: Chain, formula: Artifact, arguments: bytes, create: Callable[[Artifact, bytes], str]
) -> str:
    """Deploy a formula with a stand-in before it; return the address of the stand-in.

    Parameters
    ----------
    arguments
        Packed constructor arguments of the formula.
    create
        Deploys as the protocol's deployer does: (artifact, packed arguments) -> address.
    """
    stand_in = compile_stand_in(formula)
    inner = chain.deploy(formula, arguments, FREEZER)
    return create(stand_in, ContractAbi(stand_in.abi).constructor.encode(FREEZER, inner))


def freeze(chain: Chain, deployment: Deployment) -> None:
    """Hold every market's margin inputs as they are in the block that is open.

    Raises
    ------
    RunError
        A formula has no stand-in.
    """
    for market in range(deployment.markets):
        _tell(chain, deployment, market, "freeze", deployment.addresses["market_registry"], market)


def thaw(chain: Chain, deployment: Deployment) -> None:
    """Let every market's own margin inputs count again.

    Raises
    ------
    RunError
        A formula has no stand-in, or one that is not frozen.
    """
    for market in range(deployment.markets):
        _tell(chain, deployment, market, "thaw")


def _tell(chain: Chain, deployment: Deployment, market: int, name: str, *arguments: object) -> None:
    function = ContractAbi(compile_contract(contracts_root() / SOURCE).abi)[name]
    model = deployment.addresses[f"risk_model:{market}"]
    receipt = chain.execute(Transaction(sender=FREEZER, to=model, data=function.encode(*arguments)))
    if not receipt.status:
        raise RunError(f"margin of market {market}: cannot {name}: {receipt.revert_reason}")
