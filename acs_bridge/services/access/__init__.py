"""Who may do something: users with their logins, and tokens."""
