"""The operator's settings, the trading calendar and the market rules."""
