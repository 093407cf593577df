"""Texts of a request that stand there under a name of their own: the rules are those of `domain.names`."""

from acs_bridge.domain import names
from acs_bridge.domain.names import Text
from acs_bridge.errors import InvalidField


def subscriber_code(text: str) -> Text:
    """Take a subscriber's code out of the field `subscriber_code`."""
    try:
        return names.subscriber_code(text)
    except InvalidField as error:
        raise InvalidField("subscriber_code", error.message) from None


def search(text: str | None) -> Text | None:
    """Take what somebody typed into a search field; None for nothing or blanks."""
    if text is None or not text.strip():
        return None
    try:
        return names.subscriber_name(text)
    except InvalidField as error:
        raise InvalidField("search", error.message) from None
