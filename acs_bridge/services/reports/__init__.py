"""The reports of gateways: taken, kept, and handed on."""
