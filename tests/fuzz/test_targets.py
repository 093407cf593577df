"""What was ever found by fuzzing, and a little more of the same for every run of the suite."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cwmp.samples import MESSAGES
from tests.fuzz.targets import FINDINGS, SEEDS, TARGETS

KNOWN = [
    *(pytest.param(name, seed, id=f"{name}-seed-{n}") for name, seeds in SEEDS.items() for n, seed in enumerate(seeds)),
    *(
        pytest.param(path.parent.name, path.read_bytes(), id=f"{path.parent.name}-{path.name}")
        for path in sorted(FINDINGS.glob("*/*"))
    ),
]
MESSAGES_IN_BYTES = [b"\0" + path.read_bytes() for path in sorted(MESSAGES.rglob("*.xml"))]


@pytest.mark.parametrize(("name", "data"), KNOWN)
def test_a_seed_is_taken_and_what_was_found_once_is_not_found_again(name, data):
    """SEC-03, SEC-11"""
    TARGETS[name](data)


@pytest.mark.parametrize("name", sorted(TARGETS))
@settings(max_examples=60)
@given(st.data())
def test_any_bytes_and_any_change_of_a_seed_are_taken_or_refused(name, data):
    """SEC-03"""
    seeds = [*SEEDS.get(name, ()), *(MESSAGES_IN_BYTES if name == "envelope" else ())]
    body = bytearray(data.draw(st.sampled_from(seeds)) if data.draw(st.booleans()) else b"")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        until = min(len(body), at + data.draw(st.integers(0, 20)))
        body[at:until] = data.draw(st.binary(max_size=20) | st.sampled_from(seeds).map(lambda seed: seed[:40]))
    TARGETS[name](bytes(body))
