"""Whole trading days, crashes and recoveries from start to end."""
