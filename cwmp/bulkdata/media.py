"""What HTTP says of a report: its type, its charset and its form; and its text."""

import codecs
import re
from dataclasses import dataclass
from typing import Final

from cwmp.bulkdata.report import Form, UnreadableReport

_PARAMETER: Final = re.compile(r""";\s*([A-Za-z-]{1,32})\s*=\s*(?:"([^"]*)"|([^;\s]*))""")
_FORMS: Final = {form.value.lower(): form for form in Form}
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like the next one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WIDE: Final = ("utf-16", "utf-32")
_CHARSETS: Final = frozenset(("utf-8", "cp1252", "gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"))


@dataclass(frozen=True, slots=True)
class Media:
    """What the headers say."""

    is_json: bool | None  # None: neither JSON nor CSV is named
    charset: str | None
    has_header: bool | None  # CSV: whether its first row names the columns; None: not said
    form: Form | None


def media_of(content_type: str, report_format: str) -> Media:
    """Read Content-Type and BBF-Report-Format; UnreadableReport where they contradict each other (B-06)."""
    type = content_type.partition(";")[0].strip().lower()
    said = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(content_type)}
    is_json = True if type.endswith(("/json", "+json")) else False if type.endswith("/csv") else None
    named = report_format.strip()
    form = _FORMS.get(named.lower())
    if named and form is None:
        raise UnreadableReport("BBF-Report-Format names no form of JSON or CSV")
    if form is not None and is_json is not None and form.is_json is not is_json:
        raise UnreadableReport("BBF-Report-Format and Content-Type contradict each other")
    header = said.get("header", "").lower()
    has_header = True if header == "present" else False if header == "absent" else None
    return Media(is_json if form is None else form.is_json, said.get("charset"), has_header, form)


def text_of(body: bytes, charset: str | None) -> str:
    """The text of a body. Its own mark goes first, then UTF-8 wherever it is that, then what HTTP says (B-06)."""
    named = next((name for mark, name in _MARKS if body.startswith(mark)), None)
    said = _known(charset)
    if named is None and not said.startswith(_WIDE):
        try:
            return body.decode()
        except UnicodeDecodeError:
            said = "latin-1" if said == "utf-8" else said
    try:
        return body.decode(named or said)
    except UnicodeDecodeError:
        raise UnreadableReport("its characters are not of its charset") from None


def _known(charset: str | None) -> str:
    """The charset that is named, if it is one that gateways use; else the one that takes everything."""
    try:
        name = codecs.lookup(charset or "").name
    except (LookupError, ValueError):
        return "latin-1"
    return name if name in _CHARSETS or name.startswith(_WIDE) else "latin-1"
