"""The types of values that CWMP knows (TR-069 A.2.1), and the spellings in which they arrive."""

STRING = "xsd:string"

XSD_TYPES = frozenset(
    {
        STRING,
        "xsd:boolean",
        "xsd:int",
        "xsd:unsignedInt",
        "xsd:long",
        "xsd:unsignedLong",
        "xsd:dateTime",
        "xsd:base64Binary",
        "xsd:hexBinary",
    }
)

_BY_LOWER_NAME = {name[4:].lower(): name for name in XSD_TYPES} | {
    "base64": "xsd:base64Binary",  # SOAP-ENC:base64, the same octets (D-04)
    "bool": "xsd:boolean",
    "integer": "xsd:int",
}


def type_name(spelled: str) -> str:
    """Give the type in our spelling: any prefix, any case, `string(256)`; what nobody knows is a string."""
    if spelled in XSD_TYPES:
        return spelled
    local = spelled.rpartition(":")[2].partition("(")[0].strip().lower()
    return _BY_LOWER_NAME.get(local, STRING)
