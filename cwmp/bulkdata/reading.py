"""From bytes to a report."""

from cwmp.bulkdata.csv_form import read_csv
from cwmp.bulkdata.json_form import read_json
from cwmp.bulkdata.media import media_of, text_of
from cwmp.bulkdata.report import Report, UnreadableReport


def read(body: bytes, content_type: str = "", report_format: str = "") -> Report:
    """Read a report by what its headers say (B-06), and by its looks where they say nothing.

    `body` is without its Content-Encoding. Raises UnreadableReport for everything that is none.
    """
    media = media_of(content_type, report_format)
    text = text_of(body, media.charset)
    if not text.strip():
        raise UnreadableReport("it is empty")
    is_json = text.lstrip().startswith("{") if media.is_json is None else media.is_json
    if is_json:
        return read_json(text, media.form)
    return read_csv(text, media.form, has_header=media.has_header)
