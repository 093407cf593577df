"""Provisioning requests: one at a time or by the million, safe to repeat; and stock, taken in advance."""
