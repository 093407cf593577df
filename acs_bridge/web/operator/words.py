"""What a model refused, in our words: what the field needs, with its limit. Values are never repeated."""

import re
from collections.abc import Mapping
from typing import Any, Final

WHOLE_NUMBER: Final = "must be a whole number"
TRUE_OR_FALSE: Final = "must be true or false"
OBJECT: Final = "must be an object"
UUID: Final = "must be a UUID"
MOMENT: Final = "must be a time with its offset from UTC, as in 2026-11-22T09:30:00Z"

_WORDS: Final[Mapping[str, str]] = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "string_type": "must be text",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must not have control characters",
    "bool_type": TRUE_OR_FALSE,
    "bool_parsing": TRUE_OR_FALSE,
    "int_type": WHOLE_NUMBER,
    "int_parsing": WHOLE_NUMBER,
    "int_parsing_size": WHOLE_NUMBER,
    "int_from_float": WHOLE_NUMBER,
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than {gt}",
    "less_than": "must be less than {lt}",
    "list_type": "must be a list",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "model_type": OBJECT,
    "model_attributes_type": OBJECT,
    "dict_type": OBJECT,
    "uuid_type": UUID,
    "uuid_parsing": UUID,
}
"""By the kinds of error that pydantic tells apart (https://docs.pydantic.dev/latest/errors/validation_errors/)."""

_ONE: Final = re.compile(r"\b1 (character|item)s$")


def words_for(kind: str, context: Mapping[str, Any], fallback: str) -> str:
    """Say what a field needs whose value was refused for this kind of reason; `fallback` is what pydantic says."""
    if kind not in _WORDS:
        return fallback
    expected = str(context.get("expected", "")).replace("'", "")
    return _ONE.sub(r"1 \1", _WORDS[kind].format(**{**context, "expected": expected}))
