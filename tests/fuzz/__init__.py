"""Bytes from strangers against all that reads them: `make fuzz` looks for new ones, the suite tries the known."""
