"""Programs that are run with the brokers' official clients, in the environment `.venv-clients`."""
