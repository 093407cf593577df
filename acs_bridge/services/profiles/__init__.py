"""The profiles in force: read from files, read again, and filled in for a gateway."""
