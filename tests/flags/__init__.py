"""What each switch of the order flow does, on and off."""
