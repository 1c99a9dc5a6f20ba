"""The durable truth: tables, repositories and the database behind them."""
