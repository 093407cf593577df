"""The two HTTP listeners: what gateways reach, and what people and BSSs reach. Neither knows the other."""
