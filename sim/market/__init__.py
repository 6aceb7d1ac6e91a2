"""The outside market: exogenous price paths, recorded prices, scripted shocks and the impact of flow."""
