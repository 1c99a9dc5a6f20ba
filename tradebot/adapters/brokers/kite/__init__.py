"""Zerodha's Kite Connect v3 behind the ports: https://kite.trade/docs/connect/v3/."""
