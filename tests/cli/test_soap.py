"""`acs-bridge soap`: what it prints is what the repository holds."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "schemas" / "soap"


@pytest.mark.parametrize("name", ["wsdl", "xsd"])
def test_prints_the_file(run, name):
    ended = run("soap", name)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (FOLDER / f"provisioning.{name}").read_text("utf-8"), "make schemas"
