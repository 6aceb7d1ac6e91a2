"""Stands in for the package ``immutables`` on a Python for which it has no wheel.

Vyper imports it for one pass of Venom, its experimental code generator, which Seawall never uses. Importing
works; using it says why it does not.
"""

from typing import NoReturn


def __getattr__(name: str) -> NoReturn:
    """Refuse everything that the real package has."""
    raise AttributeError(
        f"immutables.{name} is not here: the package has no wheel for this Python, and Vyper needs it for "
        "--experimental-codegen only; install immutables with a compiler, or use Python 3.13"
    )
