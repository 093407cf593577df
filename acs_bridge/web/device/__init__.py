"""What gateways reach: one path, POST only, CWMP inside."""
