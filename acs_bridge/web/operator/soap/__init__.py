"""SOAP for BSSs: the same services, roles and errors as `/v1`, in document/literal.

spyne makes the WSDL and the schema, reads requests and writes answers. What it is given has been decoded, parsed,
measured and validated here before; what it would log or answer on its own never leaves. `library` is the only module
that imports it, and nothing imports `library` before the first request that needs it.
"""
