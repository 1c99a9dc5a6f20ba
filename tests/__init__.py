"""Everything that proves what tradebot does."""
