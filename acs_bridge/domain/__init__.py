"""The rules, without IO: no database, no network, no clock, no environment. Time and randomness are passed in."""
