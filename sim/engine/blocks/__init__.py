"""Blocks: the loop of seven steps, and what it records."""
