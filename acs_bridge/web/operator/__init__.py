"""What people and BSSs reach: `/v1`, console, SOAP, health and metrics. No rule of the daemon lives here, only HTTP."""
