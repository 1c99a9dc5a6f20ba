"""Faults of storage, clock and process, made for real: on the running daemon, its files and the system below it."""
