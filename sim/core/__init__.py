"""Foundations for every layer: errors, units, random streams, portable arithmetic, files, digests."""
