"""The exchange as two brokers show it: their requests, answers, streams and quirks, as pure functions of values."""
