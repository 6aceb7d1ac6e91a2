"""Margin models put to the tests of central clearing, on the contracts' own bytecode."""
