"""The description as a page for people: one file of HTML that fetches nothing, runs nothing and needs no network."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from html import escape
from typing import Any, Final

from acs_bridge.web.operator.openapi.document import Document

_STYLE: Final = """
:root { color-scheme: light dark; background: Canvas; color: CanvasText; --line: #8886; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
body, th, td { overflow-wrap: anywhere; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
h3 { margin: 2rem 0 0; font-size: 1rem; overflow-wrap: anywhere; }
h3 b { display: inline-block; min-width: 4rem; }
code, pre, h3 { font-family: ui-monospace, monospace; }
pre { background: var(--soft); padding: .75rem; overflow-x: auto; border-radius: .25rem; font-size: .85rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); }
nav ul { columns: 12rem 2; }
"""
POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-"
    + b64encode(sha256(_STYLE.encode()).digest()).decode()
    + "'"
)
"""What a browser may do with the page: show it."""

_METHODS: Final = ("get", "post", "put", "patch", "delete")


def page(described: Document) -> str:
    """Write the page."""
    return "".join(f"{part}\n" for part in _page(described))


def _page(described: Document) -> Iterator[str]:
    info = described["info"]
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(info['title'])} API</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    yield f"<h1>{escape(info['title'])} {escape(info['version'])}: the API</h1>\n<p>{_words(info['description'])}</p>"
    yield f"<p>At <code>{escape(described['servers'][0]['url'])}</code>, with <code>Authorization: Bearer …</code></p>"
    yield "<nav><ul>"
    for tag in described["tags"]:
        yield f'<li><a href="#tag-{escape(tag["name"])}">{escape(tag["name"])}</a></li>'
    yield '<li><a href="#schemas">schemas</a></li>\n</ul></nav>'
    for tag in described["tags"]:
        yield f'<section>\n<h2 id="tag-{escape(tag["name"])}">{escape(tag["name"])}</h2>'
        yield f"<p>{_words(tag['description'])}</p>"
        for path, operations in described["paths"].items():
            for method in _METHODS:
                if tag["name"] in operations.get(method, {}).get("tags", ()):
                    yield from _operation(method, path, operations[method])
        yield "</section>"
    yield '<section>\n<h2 id="schemas">schemas</h2>'
    for name, schema in described["components"]["schemas"].items():
        yield from _schema(name, schema)
    yield "</section>\n</body>\n</html>"


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f'<h3 id="{escape(operation["operationId"])}"><b>{method.upper()}</b> {escape(path)}</h3>'
    yield f"<p>{_words(operation['summary'])}. {_words(operation['description'])}</p>"
    if parameters := operation.get("parameters"):
        yield "<table>\n<tr><th>parameter</th><th>in</th><th>what</th></tr>"
        for each in parameters:
            name = escape(each["name"]) + (" *" if each["required"] else "")
            what = " ".join(filter(None, (_kind(each["schema"]), _words(each.get("description", "")))))
            yield f"<tr><td><code>{name}</code></td><td>{each['in']}</td><td>{what}</td></tr>"
        yield "</table>"
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield from _content(f"Takes {media_type}", content)
    refused = []
    for status, answer in operation["responses"].items():
        if "$ref" in answer:
            refused.append(status)
            continue
        if not answer.get("content"):
            yield f"<p>Answers {status}.</p>"
        for media_type, content in answer.get("content", {}).items():
            yield from _content(f"Answers {status}, {media_type}", content)
    yield f"<p>Refuses with {', '.join(refused)}, as a problem.</p>"


def _content(head: str, content: Mapping[str, Any]) -> Iterator[str]:
    yield f"<p>{escape(head)}: {_kind(content['schema'])} {_words(content['schema'].get('description', ''))}</p>"
    for example in [each["value"] for each in content.get("examples", {}).values()] or [content.get("example")]:
        if example is not None:
            yield f'<pre tabindex="0">{escape(json.dumps(example, indent=2, ensure_ascii=False), quote=False)}</pre>'


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f'<h3 id="schema-{escape(name)}">{escape(name)}</h3>\n<p>{_words(schema.get("description", ""))}</p>'
    if "enum" in schema:
        yield f"<p>{_kind(schema)}</p>"
    if not schema.get("properties"):
        return
    yield "<table>\n<tr><th>field</th><th>what</th></tr>"
    for field, described in schema["properties"].items():
        shown = escape(field) + (" *" if field in schema.get("required", ()) else "")
        what = " ".join(filter(None, (_kind(described), _words(described.get("description", "")))))
        yield f"<tr><td><code>{shown}</code></td><td>{what}</td></tr>"
    yield "</table>"


def _kind(schema: Mapping[str, Any]) -> str:
    """Say what kind of value a schema takes, in HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    limits = [f"{schema[key]} {words}" for key, words in _LIMITS.items() if key in schema]
    kind = escape(schema.get("format", schema.get("type", "")))
    return f"{kind} ({', '.join(limits)})" if limits else kind


_LIMITS: Final = {"minLength": "or more characters", "maxLength": "at most", "minimum": "or more", "maximum": "at most"}


def _words(text: str) -> str:
    """Write words; what stands between grave accents is code."""
    parts = escape(" ".join(text.split())).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
