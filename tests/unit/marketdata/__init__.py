"""Unit tests of the market data adapters."""
