"""`acs-bridge import`: what is read (`rows`), what came of it (`results`), what is seen meanwhile (`progress`)."""
