"""Strict TOML documents: sections, places of keys, and messages that name both."""
