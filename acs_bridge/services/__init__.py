"""The use cases: what a person, a BSS or a gateway can ask for, each in one transaction. No SQL and no HTTP here."""
