"""Clocks and schedulers: real, virtual and scaled."""
