"""The description as a page: complete, made of nothing but itself, and for those with a token."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from acs_bridge.domain.actor import Role
from tests.web.operator.openapi.test_document import OPERATIONS, SCHEMAS

PAGE = (SCHEMAS / "reference.html").read_text("utf-8")
FETCHING = {"src", "srcset", "action", "data", "poster", "background", "style"}


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.open = set(), [], []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def read():
    reader = Reader()
    reader.feed(PAGE)
    return reader


def test_the_page_fetches_and_runs_nothing(read):
    assert not read.tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    assert not [name for name, _ in read.attributes if name in FETCHING or name.startswith("on")]
    assert all(value.startswith("#") for name, value in read.attributes if name == "href")
    assert "url(" not in PAGE
    assert "@import" not in PAGE


def test_its_elements_are_closed_and_its_links_lead_somewhere(read):
    assert read.open == []
    places = [value for name, value in read.attributes if name == "id"]
    assert len(set(places)) == len(places)
    assert {value[1:] for name, value in read.attributes if name == "href"} <= set(places)


@pytest.mark.parametrize(("name", "operation"), OPERATIONS, ids=[name for name, _ in OPERATIONS])
def test_every_operation_is_on_it(name, operation):
    assert f'<h3 id="{operation["operationId"]}">' in PAGE


async def test_a_browser_shows_it_to_who_has_a_token_and_keeps_it_from_doing_anything(operator, admin):
    refused = await operator.as_(None).get("/reference")
    assert (refused.status, refused.headers["Content-Type"]) == (401, "application/problem+json")
    assert any(each.startswith("Basic ") for each in refused.headers.getall("WWW-Authenticate"))
    for role in Role:
        pair = b64encode(f"ann:{operator.tokens[role]}".encode()).decode()
        reply = await operator.as_(None)("GET", "/reference", headers={"Authorization": f"Basic {pair}"})
        assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    (style,) = re.findall("<style>(.*?)</style>", reply.text, re.DOTALL)
    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert b64encode(sha256(style.encode()).digest()).decode() in policy
    assert (await admin.get("/reference")).text == reply.text


async def test_basic_is_taken_nowhere_else_in_v1(operator):
    pair = b64encode(f"ann:{operator.tokens[Role.ADMIN]}".encode()).decode()
    reply = await operator.as_(None)("GET", "/v1/queue", headers={"Authorization": f"Basic {pair}"})
    assert reply.status == 401
