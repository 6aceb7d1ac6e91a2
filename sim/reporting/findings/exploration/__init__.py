"""Findings of the studies that explore parameters: frontier, sensitivity, optimise."""
