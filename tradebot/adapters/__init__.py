"""The outside world behind the ports: brokers, market data, storage, time and files."""
