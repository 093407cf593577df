"""The queue of writes, as operators see and move it."""
