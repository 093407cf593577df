"""The limit of open files, in processes of their own: it can be lowered there and nowhere else."""

import subprocess
import sys

import pytest

LOOK = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, 512))
from acs_bridge.cli.open_files import allow_connections
print("allowed", allow_connections({most}), resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def said(soft: int, most: int) -> str:
    program = [sys.executable, "-c", LOOK.format(soft=soft, most=most)]
    return subprocess.run(program, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("soft", [128, 512])
def test_the_soft_limit_becomes_the_hard_one(soft):
    assert "allowed 512 (512, 512)" in said(soft, 100)


@pytest.mark.parametrize(("most", "warned"), [(312, False), (313, True)])
def test_a_limit_that_is_too_low_for_the_connections_is_told(most, warned):
    assert ("open_files_limited" in said(128, most)) is warned
