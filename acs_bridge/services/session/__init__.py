"""What a CWMP session does, from its Inform to its end: what is asked of a gateway, and why."""
