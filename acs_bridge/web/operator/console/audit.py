"""The audit trail, for Admins."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from acs_bridge.errors import InvalidField, InvalidInput
from acs_bridge.services.audit import AuditQuestion, AuditTrail
from acs_bridge.services.pages import MAX_ID, Ask
from acs_bridge.services.pages import Page as Found
from acs_bridge.store.audit import SeenDeed
from acs_bridge.web.operator.console.registry import ADMIN_MENU, ADMINS, Entry, Outcome, Page, View, Visit
from acs_bridge.web.operator.console.texts import texts

PATH: Final = "/audit"
FIELDS: Final = ("actor", "action", "subscriber_code", "line_of_service", "address", "since", "until")
_LONGEST: Final = 300


class AuditPage:
    """Who did what, when and from where."""

    def __init__(self, audit: AuditTrail) -> None:
        self._audit = audit

    def table(self) -> tuple[Page, ...]:
        """Say what there is."""
        return (Page(PATH, "audit.title", self.show, ADMINS, Entry("navigation.audit", ADMIN_MENU)),)

    async def show(self, visit: Visit) -> Outcome:
        """Show a page of it."""
        asked = {name: visit.query.get(name, "").strip() for name in FIELDS}
        number, errors = visit.query.get("subscriber_id", ""), {}
        found: Found[SeenDeed] = Found([], None)
        try:
            found = await self._audit.page(Ask(cursor=visit.query.get("cursor")), _question(asked, number))
        except InvalidInput as error:
            errors = {each.field: each.message for each in error.errors}
        shown = {
            "asked": asked,
            "errors": errors,
            "found": found,
            "older": _address(asked, number, found.next),
            "first": "cursor" not in visit.query,
            "chain": await self._audit.chain(),
            "said": said,
            "actions": sorted(name.removeprefix("deed.") for name in texts().all if name.startswith("deed.")),
        }
        return View("audit.html", shown)


def said(name: str) -> str:
    """Say what was done (`deed.ACTION`); what has no words is said as it is named."""
    return texts().all.get(name, name.partition(".")[2].replace("_", " "))


def _question(asked: Mapping[str, str], number: str) -> AuditQuestion:
    for name, text in asked.items():
        if len(text) > _LONGEST or not text.isprintable():
            raise InvalidField(name, f"must have 1 to {_LONGEST} printable characters")
    subscriber_id = None
    if number:
        if not number.isascii() or not number.isdigit() or not 0 < int(number[:20]) <= MAX_ID:
            raise InvalidField("subscriber_id", "must be the number of a subscriber")
        subscriber_id = int(number)
    return AuditQuestion(
        since=_time("since", asked["since"]),
        until=_time("until", asked["until"]),
        actor=asked["actor"] or None,
        action=asked["action"] or None,
        address=asked["address"] or None,
        subscriber_id=subscriber_id,
        subscriber_code=asked["subscriber_code"] or None,
        line_of_service=asked["line_of_service"] or None,
    )


def _time(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
        if time.utcoffset() is not None:
            return time
    except ValueError:
        pass
    raise InvalidField(name, "must be a time with its zone, as in 2026-05-04T08:15:00Z")


def _address(asked: Mapping[str, str], number: str, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    given = {name: text for name, text in {**asked, "subscriber_id": number, "cursor": cursor}.items() if text}
    return f"{PATH}?{urlencode(given)}"
