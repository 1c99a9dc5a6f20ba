"""An order-execution daemon for Indian equities."""

__version__ = "0.1.0"
