"""Deterministic accounts: a label gives a key, a key an address, the same on every engine and machine."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from coincurve import PublicKey

from sim.chain.abi import checksum_address, keccak256
from sim.core.errors import RunError

_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Order of the group of secp256k1 (SEC 2)."""
_DOMAIN: Final = b"seawall account\0"


class Account(NamedTuple):
    """A key pair made from a label. Public knowledge: never send real money to it."""

    label: str
    address: str  # with the mixed case of ERC-55
    private_key: bytes


_PRIVATE_KEYS: dict[str, bytes] = {}
"""By address, of every account made so far: what the signing engine needs."""


@lru_cache(maxsize=1 << 17)
def account(label: str) -> Account:
    """Return the account of `label`; depends on nothing else."""
    # Modulo the group order less one, plus one: never zero; the bias is below 2**-127.
    secret = int.from_bytes(keccak256(_DOMAIN + label.encode("utf-8")), "big") % (_ORDER - 1) + 1
    private_key = secret.to_bytes(32, "big")
    point = PublicKey.from_valid_secret(private_key).format(compressed=False)
    address = checksum_address(keccak256(point[1:])[12:])
    _PRIVATE_KEYS[address] = private_key
    return Account(label, address, private_key)


def accounts(prefix: str, count: int) -> list[Account]:
    """Return the accounts ``prefix:0`` to ``prefix:count-1``."""
    return [account(f"{prefix}:{index}") for index in range(count)]


def private_key_of(address: str) -> bytes:
    """Return the key of an address made by `account` in this process.

    Raises
    ------
    RunError
        No such account was made: nobody can sign for it.
    """
    try:
        return _PRIVATE_KEYS[address]
    except KeyError:
        raise RunError(f"no private key for {address}: senders must come from sim.chain.accounts") from None
