"""Seawall: stress tests of on-chain margin protocols on their own bytecode."""

__version__ = "0.1.0"

__all__ = ["__version__"]
