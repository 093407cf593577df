"""PHAN URLs: sealed and opened, and the keys for it."""
