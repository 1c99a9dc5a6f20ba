"""Tests of tradebot.domain."""
