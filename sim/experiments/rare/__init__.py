"""Estimators of probabilities too small to be counted; no command uses them yet (docs/rare.md)."""
