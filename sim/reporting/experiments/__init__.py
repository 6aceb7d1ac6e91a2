"""Pages about many runs: sweeps, comparisons, frontiers. Nothing is imported here."""
