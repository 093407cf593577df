"""The CPE WAN Management Protocol (TR-069), sans-IO: bytes in, values out, for the ACS and for the CPE.

Nothing here opens a socket, reads a clock, makes an id or knows of the daemon that drives it.
"""
