"""Probabilities too small to be counted: multilevel splitting on snapshots."""
