"""The margin protocol as Python sees it: deployment, actions, state, events, invariants.

The only package that knows the contracts by name; a second protocol would be a sibling of it.
"""
