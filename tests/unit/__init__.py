"""Pure decisions and single adapters, each on its own."""
