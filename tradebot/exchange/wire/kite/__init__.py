"""Kite Connect v3: its requests, rows, errors, sessions and streams (kite.trade/docs/connect/v3)."""
