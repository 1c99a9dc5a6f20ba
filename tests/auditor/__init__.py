"""The auditor: compares the exchange's books, the registry, the database and the log; shares no code with tradebot."""
