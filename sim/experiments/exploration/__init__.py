"""Exploring parameters: efficiency against tail loss, sensitivity, and search under constraints."""
