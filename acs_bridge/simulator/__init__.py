"""Simulated gateways, and fleets of them: what `demo`, `simulate`, the tests and the benchmarks drive the daemon with.

They speak CWMP over real sockets, on the CPE role of `cwmp`, and know nothing of the daemon: any ACS will do.
"""
