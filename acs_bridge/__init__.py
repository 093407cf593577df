"""acs-bridge: a TR-069 ACS that turns a provisioning request into a PHAN URL inside a gateway."""

__version__ = "0.1.0"
