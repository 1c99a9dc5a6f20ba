"""Quotes and bars from files, from the seeded market and from live brokers."""
