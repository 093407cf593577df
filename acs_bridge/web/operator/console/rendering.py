"""Pages as HTML: templates that escape everything, refuse what is not given to them, and have no words of their own."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from acs_bridge.domain.clock import Clock
from acs_bridge.domain.waiting import span
from acs_bridge.services.queue.queue import Held
from acs_bridge.web.operator.console.plots import sparkline
from acs_bridge.web.operator.console.registry import Page, View, Visit
from acs_bridge.web.operator.console.static import static
from acs_bridge.web.operator.console.texts import texts

_INVISIBLE: Final = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
_MOMENT: Final = re.compile(r"(?:(\d{4}-\d\d-\d\d) )?(\d\d:\d\d) UTC")


class Renderer:
    """Writes pages."""

    def __init__(self, pages: Sequence[Page], clock: Clock) -> None:
        self._pages = pages
        self._clock = clock

    def page(self, view: View, page: Page, visit: Visit, held: Held) -> str:
        """Write a page for somebody who is logged in."""
        title = view.title or texts()(page.title)
        frame = {"title": title, "page": page, "visit": visit, "navigation": self._navigation(visit), "held": held}
        return _environment().get_template(view.template).render(**view.shown, **frame, now=self._clock())

    def bare(self, template: str, **shown: Any) -> str:  # noqa: ANN401 -- what a template shows
        """Write a page for somebody who is not."""
        return _environment().get_template(template).render(**shown)

    def _navigation(self, visit: Visit) -> dict[str | None, list[Page]]:
        """Sort what somebody may see by its drop-down; None: what stands in the navigation itself."""
        menus: dict[str | None, list[Page]] = {}
        for each in self._pages:
            if each.entry is not None and visit.actor.role in each.roles:
                menus.setdefault(each.entry.menu, []).append(each)
        return menus


@cache
def _environment() -> Environment:
    """Give the templates, each of which is compiled once."""
    environment = Environment(
        loader=PackageLoader("acs_bridge.web.operator.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(text=texts(), static=static().url)
    environment.filters.update(
        number="{:,}".format,
        foreign=foreign,
        sentence=sentence,
        sparkline=sparkline,
        time=moment,
        moments=moments,
        span=span,
        segment=segment,
    )
    return environment


def moment(at: datetime | None, form: str = "moment") -> Markup:
    """Write a time, which a script shows in the zone of whoever looks; `form`: moment, clock, ago."""
    if at is None:
        return Markup()
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}" data-form="{}">{}</time>').format(
        utc.strftime("%Y-%m-%dT%H:%M:%SZ"), form, utc.strftime("%Y-%m-%d %H:%M UTC")
    )


def moments(words: str, now: datetime) -> Markup:
    """Do the same with the times in a sentence, which are in UTC there; without a date they are of today."""

    def shown(found: re.Match[str]) -> str:
        date = found[1] or f"{now:%Y-%m-%d}"
        form = "moment" if found[1] else "clock"
        return Markup('<time datetime="{}T{}:00Z" data-form="{}">{}</time>').format(date, found[2], form, found[0])

    return Markup(_MOMENT.sub(shown, str(escape(words))))  # noqa: S704 -- escaped, but for what stands here


def segment(text: str) -> str:
    """Write a text as one segment of a path."""
    return quote(text, safe="")


def sentence(words: str) -> str:
    """Write what an error says, which is the end of a line in a log, as a sentence of its own."""
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith(('.', '!', '?')) else '.'}"


def foreign(text: str) -> str:
    """Give a text of a gateway or a stranger with what is invisible in it made visible, as ‹U+202E›."""
    return "".join(f"‹U+{ord(each):04X}›" if unicodedata.category(each) in _INVISIBLE else each for each in text)
