"""Worlds: everything a run consists of, built from a scenario."""
