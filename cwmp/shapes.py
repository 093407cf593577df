"""Messages that differ from earlier ones in their texts only, read without being parsed again.

A gateway says nearly the same all its life, in the same markup as every other one of its family. What is left of a
message without its texts is its shape; the names of parameters are left in it, because they are the same, too. Of a
shape that has come twice the parser finds out once which text stands where; from then on such messages are cut at their
texts, and what these mean is told by the same functions as ever.

That is exact: only plain texts are taken out, which cannot change how a document is read (no markup, no references, no
line breaks); everything else, attributes, blanks and odd texts included, is the shape and has to be the same.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from cwmp import messages as m
from cwmp.elements import Notes, Text, usable_paths
from cwmp.errors import RemoteProtocolError
from cwmp.limits import DEFAULT
from cwmp.reader import (
    Sketch,
    get_parameter_values_response,
    inform,
    set_parameter_values_response,
)
from cwmp.structs import parameter_value

_LARGEST = 16 * 1024
_MOST_SHAPES = 1024
_MOST_SEEN = 4096
_TEXT = re.compile(r">([ !-%'-;=?-~]++)</(?!Name>)")
_NUMBER_LEFT = re.compile(r">[0-9]+<")
_TAGS = re.compile(r"(?:<[^<>]*+>|[^<>]++)*+")
_BETWEEN = "\0"  # no message that can be parsed has one
_CHARSETS = frozenset((None, "utf-8", "UTF-8"))

Picker: TypeAlias = Callable[[list[Any]], Sequence[Any]]

MEANINGS: dict[str, Callable[[Sketch, Any, Notes], m.Message]] = {
    "Inform": inform,
    "SetParameterValuesResponse": set_parameter_values_response,
    "GetParameterValuesResponse": get_parameter_values_response,
}


class Found(NamedTuple):
    """What stands where in an envelope."""

    namespace: str
    method: str
    header: dict[str, Text]
    sketch: Sketch


class Shape:
    """Where the texts of a message stand, in the pieces that it falls into."""

    def __init__(self, found: Found, pieces: int) -> None:
        """`found`: in a message of so many pieces whose texts are their own places among them."""
        self._pieces = pieces
        self._constants: list[Text] = []
        self.namespace = found.namespace
        self._header_names, self._header = tuple(found.header), self._picker(found.header.values())
        self._mean = MEANINGS[found.method]
        sketch = found.sketch
        self._text_names, self._texts = tuple(sketch.texts), self._picker(sketch.texts.values())
        self._device_names, self._device = tuple(sketch.device), self._picker(sketch.device.values())
        self._codes = self._picker(code for code, _ in sketch.events)
        self._keys = self._picker(key for _, key in sketch.events)
        self._event_count = sketch.event_count
        self._parameter_count = sketch.parameter_count
        self._types = tuple(type_ for _, _, type_ in sketch.parameters)
        names = [name for name, _, _ in sketch.parameters]
        paths = usable_paths(names, DEFAULT) if len(names) == sketch.parameter_count else None
        # Names that are the same in all of them are looked at once: then nothing of a parameter is left to be judged.
        self._paths = None if paths is None or any(map(str.isdigit, paths)) else paths
        self._names = self._picker(names)
        self._values = self._picker(value or "" for _, value, _ in sketch.parameters)

    def _picker(self, texts: Iterable[Text]) -> Picker:
        """Make what picks these texts out of a message's pieces, all at once."""
        places = [self._place(text) for text in texts]
        if len(places) > 1:
            return itemgetter(*places)
        return itemgetter(slice(places[0], places[0] + 1) if places else slice(0))  # as one of several, and at no call

    def _place(self, text: Text) -> int:
        """Tell where a text stands: what is no number here is the same in every message of this shape."""
        if text is not None and text.isdigit():
            return int(text)
        self._constants.append(text)
        return self._pieces + len(self._constants) - 1

    def read(self, pieces: list[Any], notes: Notes) -> tuple[dict[str, Text], m.Message]:
        """Tell what the pieces of a message mean: the texts of its header, and itself."""
        pieces += self._constants
        parameters: Iterable[tuple[Text, Text, str]] = ()
        told = None
        if self._paths is None:
            parameters = zip(self._names(pieces), self._values(pieces), self._types, strict=True)
        elif self._paths:
            told = tuple(map(parameter_value, zip(self._paths, self._values(pieces), self._types, strict=True)))
        sketch = Sketch(
            dict(zip(self._text_names, self._texts(pieces), strict=True)),
            dict(zip(self._device_names, self._device(pieces), strict=True)) if self._device_names else {},
            zip(self._codes(pieces), self._keys(pieces), strict=True) if self._event_count else (),
            self._event_count,
            parameters,
            self._parameter_count,
            told,
        )
        header = dict(zip(self._header_names, self._header(pieces), strict=True))
        return header, self._mean(sketch, DEFAULT, notes)


class Shapes:
    """The shapes that messages have had, as many as there is room for."""

    def __init__(self, find: Callable[[bytes], Found | None]) -> None:
        """`find` parses a message; None where it is none whose shape is worth keeping."""
        self._find = find
        self._seen: set[int] = set()
        self._known: dict[str, Shape | None] = {}

    @property
    def size(self) -> int:
        """How many are remembered."""
        return len(self._known)

    def read(self, body: bytes, charset: str | None, notes: Notes) -> tuple[str, dict[str, Text], m.Message] | None:
        """Read a message of a shape that is known: its namespace, the texts of its header, and itself.

        None: read it as any other. What cannot be told without the parser is left to it as well.
        """
        if len(body) > _LARGEST or charset not in _CHARSETS or not body.isascii():
            return None
        pieces: list[Any] = _TEXT.split(body.decode("ascii"))
        key = _BETWEEN.join(pieces[::2])
        try:
            shape = self._known[key]
        except KeyError:
            shape = self._learn(key)
        if shape is None:
            return None
        try:
            return shape.namespace, *shape.read(pieces, notes)
        except RemoteProtocolError:
            return None  # it is told with all that goes with it by who reads everything

    def _learn(self, key: str) -> Shape | None:
        """Look at a shape that has come before; what comes once only is not worth it."""
        mark = hash(key)
        if mark not in self._seen:
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen.add(mark)
            return None
        if len(self._known) >= _MOST_SHAPES:
            self._known.clear()
        self._known[key] = shape = self._shape(key)
        return shape

    def _shape(self, key: str) -> Shape | None:
        markup = key.split(_BETWEEN)
        # A comment, a CDATA section or an instruction might hide what looks like a text; a reference is one. And a text
        # or an attribute with a ">" in it looks like the end of a tag.
        if "<!" in key or "<?" in key[1:] or "&" in key or not _TAGS.fullmatch(key):
            return None
        if _NUMBER_LEFT.search(key):
            return None  # it would be taken for the place of a text
        numbered = [f">{2 * number + 1}</" for number in range(len(markup) - 1)]
        probe = "".join([piece for pair in zip(markup, [*numbered, ""], strict=True) for piece in pair])
        try:
            found = self._find(probe.encode("ascii"))
        except RemoteProtocolError:
            return None
        return None if found is None else Shape(found, 2 * len(markup) - 1)
