"""Pure functions: nothing here is registered or holds weights."""
