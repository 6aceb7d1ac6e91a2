"""The metrics that ship, one file a subject; `sim.metrics.book` finds the files by itself."""
