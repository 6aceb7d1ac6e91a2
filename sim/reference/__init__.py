"""Bit-exact integer twins of the pure contract libraries in ``contracts/lib``."""
