"""`acs-bridge openapi`: what it prints is what the repository holds."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "schemas"


@pytest.mark.parametrize(("form", "name"), [("json", "openapi.json"), ("html", "reference.html")])
def test_prints_the_file(run, form, name):
    ended = run("openapi", form)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (FOLDER / name).read_text("utf-8"), "make schemas"
