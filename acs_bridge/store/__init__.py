"""The records: the only package that speaks to Postgres. It decides nothing that `domain` can decide."""
