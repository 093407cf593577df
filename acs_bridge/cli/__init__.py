"""The command line. Each command is a module of its own, registered in `main`; no rule of the daemon lives here."""
