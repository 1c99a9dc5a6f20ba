"""What stands around the calls to a broker: turnstiles for their rate, one call for equal ones, a cache of quotes."""
