"""Tests of tradebot.engine."""
