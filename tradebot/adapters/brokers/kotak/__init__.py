"""Kotak Neo's Trade API behind the ports: https://github.com/Kotak-Neo/kotak-neo-python."""
