"""Log lines: one JSON object (or one line for a person) an event, on standard output, without secrets.

What has the name of a secret is replaced, and a PHAN URL is cut after the first 6 characters of its token wherever it
stands. A traceback has no local variables. A value cannot end its line, so that nobody forges one.

The wall clock is read here, for the time stamp only: nothing decides by it.
"""

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum
from functools import lru_cache, partial
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_HIDDEN = "[hidden]"
_SHOWN_OF_A_TOKEN = 6
_DEEPEST = 6
"""Levels of nested values that are looked into; what lies deeper is hidden."""

_SECRET_WORD = re.compile(
    r"(?:^|_)(?:authorization|cookies?|credentials?|dsn|ha1|passphrase|passwd|password|pwd|secrets?|tokens?)(?:_|$)"
    r"|^(?:api_key|database_url|keys?|phan_urls?|private_key|sealed)$"
)
"""A name that has a word of the first line between its underscores, or is one of the second, is a secret's."""

_OPEN_NAMES = frozenset(("token_id", "token_name"))
"""How a token is called, not what it is."""

_SCALARS = (str, int, float, type(None))
"""What nearly every value is, enumerations among them, and what nothing has to be looked for in."""

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {
    code: f"\\u{code:04x}" for code in (*range(0x2028, 0x202F), *range(0x2066, 0x206A))
}
"""Control characters, ends of lines, and what turns the direction of writing."""


def configure(format: str = "json", level: str = "info", *, phan_base_url: str | None = None) -> None:
    """Send every log line of the process, also those of libraries, to standard output in this format.

    `format` is "json" or "console". Call it once, before anything logs; again only in tests.
    """
    render = _RENDERERS[format](phan_base_url)
    threshold = logging.getLevelNamesMapping()[level.upper()]
    _PROCESSORS[:] = [structlog.contextvars.merge_contextvars, *_ENRICH, render]
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=_StandardOutput,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *_ENRICH],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    )
    _take_over_standard_logging(formatter, threshold)


def _take_over_standard_logging(formatter: logging.Formatter, threshold: int) -> None:
    handler = _Handler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [other for other in root.handlers if not isinstance(other, _Handler)] + [handler]
    root.setLevel(threshold)
    # aiohttp's access lines hold whole paths, and a path may hold a token.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


class _StandardOutput:
    """Writes each line with one call, so that the lines of several workers do not mix.

    Standard output is looked up for each line: whoever replaces it gets the lines of loggers that exist already.
    """

    def __init__(self, *_: object) -> None:
        pass

    def write(self, line: str) -> None:
        # A collector that went away, or a full disk, must not stop provisioning; nobody is left to tell.
        with suppress(OSError):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    debug = info = warning = error = critical = exception = write


class _Handler(logging.Handler):
    """The same for the standard library's loggers."""

    def emit(self, record: logging.LogRecord) -> None:
        _StandardOutput().write(self.format(record))


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace every value that has the name of a secret, at any depth."""
    for key, value in event.items():
        if _is_secret(key):
            event[key] = _HIDDEN
        elif not isinstance(value, _SCALARS):
            event[key] = _shown(value, _DEEPEST)
    return event


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    plain = name.lower().replace("-", "_")
    return plain not in _OPEN_NAMES and _SECRET_WORD.search(plain) is not None


def _shown(value: object, depth: int) -> object:
    if not depth:
        return _HIDDEN
    if isinstance(value, Mapping):
        return {str(k): _HIDDEN if _is_secret(str(k)) else _shown(v, depth - 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown(item, depth - 1) for item in value]
    return value


def _scrubber(phan_base_url: str | None, rest: str) -> Callable[[str], str]:
    """Return what puts `rest` in the place of all but the first characters of each PHAN URL of a rendered line."""
    if phan_base_url is None:
        return str
    shown = rf"{re.escape(phan_base_url)}[A-Za-z0-9_-]{{{_SHOWN_OF_A_TOKEN}}}"
    cut = partial(re.compile(rf"({shown})[A-Za-z0-9_-]+").sub, rf"\1{rest}")
    return lambda line: cut(line) if phan_base_url in line else line


def _json(phan_base_url: str | None) -> Processor:
    encode = json.JSONEncoder(default=_plain, skipkeys=True).encode
    scrub = _scrubber(phan_base_url, r"\\u2026")

    def render(_: WrappedLogger, __: str, event: EventDict) -> str:
        first = {key: event.pop(key, None) for key in ("event", "timestamp", "level")}
        return scrub(encode({**first, **event}))

    return render


def _console(phan_base_url: str | None) -> Processor:
    renderer = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), sort_keys=False)
    scrub = _scrubber(phan_base_url, "…")

    def render(logger: WrappedLogger, name: str, event: EventDict) -> str:
        traceback = str(event.pop("exception", ""))
        line = str(renderer(logger, name, {key: _escaped(value) for key, value in event.items()}))
        return scrub("\n".join([line, *(f"  | {_escaped_text(part)}" for part in traceback.splitlines())]))

    return render


_RENDERERS: Mapping[str, Callable[[str | None], Processor]] = {"json": _json, "console": _console}


def _escaped(value: object) -> str:
    return _escaped_text(value if isinstance(value, str) else repr(value))


def _escaped_text(text: str) -> str:
    return text.translate(_CONTROLS)


def _plain(value: object) -> str:
    """Say in text what JSON has no word for."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if isinstance(value, Enum):
        return str(value.value)
    return str(value)


_ENRICH: list[Any] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    redact,
]

_PROCESSORS: list[Any] = []
"""One list for ever: a logger keeps the list that it first wrote with."""
