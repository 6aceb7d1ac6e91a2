"""The local chain: compiling, calling and executing contracts, fees, mempool and gas.

Three engines stand behind one class; nothing outside this package knows which one runs.
"""
