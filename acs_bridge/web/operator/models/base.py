"""What the models have in common, and the texts whose rules stand in `domain.names`."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from acs_bridge.domain import names
from acs_bridge.domain.names import Text
from acs_bridge.errors import InvalidField
from acs_bridge.services.pages import Ask, Page
from acs_bridge.web.operator.words import MOMENT

T = TypeVar("T", bound=BaseModel)

MAX_LIMIT = 500
USUAL_LIMIT = 50
GATEWAY_TEXT = 64
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


class RequestModel(BaseModel):
    """A body: exactly these fields, exactly these types."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class QueryModel(BaseModel):
    """A query string: everything in it is text, and is read as what it stands for."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class AnswerModel(BaseModel):
    """An answer, made of the attributes of what a service returns."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class NoBody(RequestModel):
    """No body."""


class NoQuery(QueryModel):
    """No query."""


class PageQuery(QueryModel):
    """Which page of a list."""

    limit: int = Field(USUAL_LIMIT, ge=1, le=MAX_LIMIT, description="At most so many records.")
    cursor: str | None = Field(None, description="The `next` of the page before.")

    @property
    def ask(self) -> Ask:
        """Ask the same in the words of the services."""
        return Ask(self.limit, self.cursor)


class ListQuery(PageQuery):
    """Which page of a list, and what is searched in it."""

    search: str | None = Field(None, description="Text to look for, without regard to case.")

    @property
    def ask(self) -> Ask:
        """Ask the same in the words of the services."""
        return Ask(self.limit, self.cursor, self.search)


class Listing(AnswerModel, Generic[T]):
    """One page of a list; `next` is the cursor of the page after it, null on the last."""

    items: list[T]
    next: str | None

    @classmethod
    def of(cls, page: Page[Any], make: Callable[[Any], T]) -> "Listing[T]":
        """Make the answer of a page."""
        return cls(items=[make(item) for item in page.items], next=page.next)


def checked(take: Callable[[str], Text]) -> AfterValidator:
    """Hold a text to a rule of `domain.names`, and give it as it is shown."""

    def check(text: str) -> str:
        try:
            return take(text).shown
        except InvalidField as error:
            raise PydanticCustomError("text", "{words}", {"words": error.message}) from None

    return AfterValidator(check)


def _gateway_text(text: str) -> Text:
    return Text("", "") if not text.strip() else names.subscriber_code(text)


def _limits(least: int, most: int) -> Any:  # noqa: ANN401 -- what pydantic's Field is
    return Field(json_schema_extra={"minLength": least, "maxLength": most})


Code = Annotated[str, checked(names.subscriber_code), _limits(1, names.CODE_LENGTH)]
LineOfService = Annotated[str, checked(names.line_of_service), _limits(1, names.CODE_LENGTH)]
Name = Annotated[str, checked(names.subscriber_name), _limits(1, names.NAME_LENGTH)]
Oui = Annotated[str, checked(names.oui), Field(json_schema_extra={"pattern": r"^\s*[0-9A-Fa-f]{6}\s*$"})]
GatewayText = Annotated[str, checked(names.subscriber_code), _limits(1, GATEWAY_TEXT)]
MaybeGatewayText = Annotated[str, checked(_gateway_text), _limits(0, GATEWAY_TEXT)]
Time = datetime


def _moment(given: object) -> object:
    """Refuse what others than RFC 3339 take for a time, such as seconds since 1970."""
    if not isinstance(given, str) or _RFC_3339.fullmatch(given) is None:
        raise PydanticCustomError("moment", "{words}", {"words": MOMENT})
    try:
        return datetime.fromisoformat(given.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # as at the beginning of the year 1, east of Greenwich
        raise PydanticCustomError("moment", "{words}", {"words": MOMENT}) from None


Moment = Annotated[AwareDatetime, BeforeValidator(_moment), Field(strict=False)]
