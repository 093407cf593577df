"""What a session costs: CPU time of the daemon and of Postgres, beside a floor measured in the same run."""
