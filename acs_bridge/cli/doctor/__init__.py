"""`acs-bridge doctor`: everything that can be checked before serving."""
