"""JSON bodies: read into their model, or refused by the field that cannot be taken.

A member that is given twice is refused like one that is unknown: readers of JSON disagree which of the two counts.
"""

import json
from collections import Counter
from typing import NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from acs_bridge.errors import InvalidField
from acs_bridge.web.operator.problems import UnreadableBody, invalid

M = TypeVar("M", bound=BaseModel)


def parsed(model: type[M], content: bytes, *, what: str = "body") -> M:
    """Read a body; `what` it is stands in the error."""
    try:
        body = model.model_validate_json(content)
    except ValidationError as error:
        _refuse(error, what)
    # Every member has a colon behind its name; that there are more of them may be the fault of a value.
    if content.count(b":") > _members(body):
        _refuse_repeated(content, what)
    return body


def _refuse(error: ValidationError, what: str) -> NoReturn:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        raise UnreadableBody(f"the {what} is no JSON: {first['ctx']['error']}") from None
    raise invalid(error) from None


def _members(body: BaseModel) -> int:
    """Count the members that were given. A model in a list is not counted: then it is looked at more closely."""
    given = body.model_fields_set
    members = len(given)
    for name in given:
        value = getattr(body, name)
        if isinstance(value, BaseModel):
            members += _members(value)
    return members


def _refuse_repeated(content: bytes, what: str) -> None:
    try:
        read = json.loads(content, object_pairs_hook=_Members)
    except (ValueError, RecursionError):
        raise UnreadableBody(f"the {what} is no JSON") from None
    _look(read, "")


class _Members(list[tuple[str, object]]):
    """The members of an object, with those that are given twice."""


def _look(read: object, path: str) -> None:
    """Refuse the first member that is given twice. It is as deep as the model that took the body."""
    if isinstance(read, _Members):
        for name, count in Counter(name for name, _ in read).items():
            if count > 1:
                raise InvalidField(path + name, "must be given once")
        for name, value in read:
            _look(value, f"{path}{name}.")
    elif isinstance(read, list):
        for place, value in enumerate(read):
            _look(value, f"{path}{place}.")
