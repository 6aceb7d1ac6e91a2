"""Deterministic accounts: a label gives a key, a key an address, the same on every engine and machine."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from typing import Final, NamedTuple

from eth_keys.datatypes import PrivateKey

from sim.chain.abi import checksum_address, keccak256
from sim.core.errors import RunError

_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Order of the group of secp256k1 (SEC 2)."""
_DOMAIN: Final = b"seawall account\0"


_HAS_COINCURVE: Final = find_spec("coincurve") is not None
"""It has no wheel for Python 3.14: docs/decisions/0015."""


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
    point = point_by_coincurve(private_key) if _HAS_COINCURVE else point_by_eth_keys(private_key)
    address = checksum_address(keccak256(point)[12:])
    _PRIVATE_KEYS[address] = private_key
    return Account(label, address, private_key)


def point_by_coincurve(private_key: bytes) -> bytes:
    """Return both coordinates of a key's point, in 64 bytes."""
    from coincurve import PublicKey  # noqa: PLC0415  (not on every Python)

    point: bytes = PublicKey.from_valid_secret(private_key).format(compressed=False)
    return point[1:]


def point_by_eth_keys(private_key: bytes) -> bytes:
    """Return the same; takes twenty times as long where coincurve is absent, being Python then."""
    return PrivateKey(private_key).public_key.to_bytes()


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
