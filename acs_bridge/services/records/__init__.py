"""Subscribers, lines of service and gateways, and how they are wired with each other."""
