import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import count, cycle
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_bridge.domain.keyring import Keyring, KeyringRefused, UnknownKey
from acs_bridge.errors import AcsBridgeError

NOW = datetime(2026, 11, 22, 12, 30, 15, 123456, tzinfo=UTC)
RANDOM = Random(7).randbytes  # every worker of a test run has to see the same cases
RING = Keyring.new(NOW, RANDOM)
FIRST = RING.current_key_id
BOTH = RING.rotate(NOW + timedelta(days=400), RANDOM)
SECRETS = [RING.root, *(key.secret for key in BOTH.keys.values())]
SEALER = RING.sealer("a purpose")


def test_a_new_keyring_has_one_key_with_a_short_readable_id():
    assert list(RING.keys) == [FIRST]
    assert len(FIRST) == 4
    assert set(FIRST) <= set("abcdefghijklmnopqrstuvwxyz234567")
    assert RING.keys[FIRST].created_at == NOW.replace(microsecond=0)


def test_two_keyrings_share_no_secret():
    one, other = Keyring.new(NOW), Keyring.new(NOW)
    secrets = [ring.root for ring in (one, other)] + [key.secret for ring in (one, other) for key in ring.keys.values()]
    assert len(set(secrets)) == 4


def test_what_is_derived_depends_on_the_label_and_not_on_rotation():
    assert RING.derive("cookies") == BOTH.derive("cookies")
    assert RING.derive("cookies") != RING.derive("nonces")
    assert RING.derive("cookies") != Keyring.new(NOW).derive("cookies")
    assert [len(RING.derive("cookies")), len(RING.derive("cookies", 64))] == [32, 64]


def test_rotation_keeps_the_former_keys_and_makes_a_new_current_one():
    assert set(BOTH.keys) == {FIRST, BOTH.current_key_id}
    assert BOTH.current_key_id != FIRST
    assert BOTH.keys[FIRST] == RING.keys[FIRST]


def test_rotation_gives_no_key_an_id_that_was_ever_used():
    answers = cycle([bytes([0, 0, 0, 0]), bytes([1, 1, 1, 1]), bytes([2, 2, 2, 2]), bytes(32)])
    ring = replace(RING, keys={"aaaa": RING.keys[FIRST]}, current_key_id="aaaa")
    assert ring.rotate(NOW, lambda _: next(answers), never=frozenset({"bbbb"})).current_key_id == "cccc"


def test_a_retired_key_is_gone():
    ring = BOTH.retire(FIRST)
    assert list(ring.keys) == [BOTH.current_key_id]
    with pytest.raises(UnknownKey, match=FIRST):
        ring.sealer("a purpose", FIRST)


def test_the_current_key_cannot_be_retired():
    with pytest.raises(AcsBridgeError, match="rotate first"):
        BOTH.retire(BOTH.current_key_id)


def test_a_key_that_is_not_there_cannot_be_retired():
    with pytest.raises(UnknownKey, match="zzzz"):
        BOTH.retire("zzzz")


def test_a_check_value_tells_a_key_and_the_root_secret_from_any_other():
    same_key_other_root = replace(RING, root=bytes(32))
    same_root_other_key = replace(RING, keys={FIRST: replace(RING.keys[FIRST], secret=bytes(32))})
    values = {ring.check_value(FIRST) for ring in (RING, same_key_other_root, same_root_other_key)}
    assert len(values) == 3
    assert BOTH.check_value(FIRST) == RING.check_value(FIRST)


def test_a_check_value_contains_no_secret():
    assert not any(RING.check_value(FIRST) in secret or secret in RING.check_value(FIRST) for secret in SECRETS)


def test_no_repr_shows_a_secret():
    shown = f"{BOTH!r} {BOTH.keys!r} {SEALER!r} {BOTH!s}"
    for secret in SECRETS:
        assert repr(secret) not in shown
        assert secret.hex() not in shown


@given(st.binary(max_size=300), st.binary(max_size=50))
def test_what_was_sealed_is_opened_with_the_same_context(plain, context):
    sealed = SEALER.seal(plain, context)
    assert len(sealed) == len(plain) + 16
    assert SEALER.seal(plain, context) == sealed
    assert SEALER.open(sealed, context) == plain


@given(st.binary(max_size=100), st.data())
def test_a_flipped_bit_is_noticed(plain, data):
    sealed = bytearray(SEALER.seal(plain))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    assert SEALER.open(bytes(sealed)) is None


@given(st.binary(max_size=300))
def test_what_nobody_sealed_does_not_open(sealed):
    assert SEALER.open(sealed) is None


def test_another_context_purpose_key_or_keyring_does_not_open_it():
    sealed = SEALER.seal(b"plain", b"context")
    assert SEALER.open(sealed, b"other") is None
    assert RING.sealer("another purpose").open(sealed, b"context") is None
    assert RING.sealer("a purpose", FIRST).open(sealed, b"context") is None
    assert Keyring.new(NOW).sealer("a purpose").open(sealed, b"context") is None


def test_a_keyring_is_read_as_it_was_written():
    assert Keyring.parse(BOTH.dump()) == BOTH
    assert Keyring.parse(BOTH.dump()).dump() == BOTH.dump()


def test_a_key_made_in_another_zone_is_written_in_utc():
    ring = Keyring.new(NOW.astimezone(timezone(timedelta(hours=9))))
    assert '"created_at": "2026-11-22T12:30:15Z"' in ring.dump()


def changed(**members):
    return json.dumps({**json.loads(BOTH.dump()), **members})


def with_key(**members):
    return changed(keys=[{**key, **members} for key in json.loads(RING.dump())["keys"]], current=FIRST)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("\0", "not JSON"),
        ("[" * 100_000, "not JSON"),
        (BOTH.dump()[:-3], "not JSON"),
        (BOTH.dump().replace('"root"', '"version": 1, "root"'), "not JSON"),
        ("[]", "exactly these members"),
        (changed(more=1), "exactly these members"),
        (json.dumps({"format": "acs-bridge keyring"}), "exactly these members"),
        (changed(version=2), "format version 1"),
        (changed(format="something else"), "format version 1"),
        (changed(keys={}), "not a list"),
        (changed(keys=[]), "not among its keys"),
        (changed(current="zzzz"), "not among its keys"),
        (changed(current=None), "not among its keys"),
        (changed(keys=json.loads(RING.dump())["keys"] * 2), "same id"),
        (changed(keys=["k"]), "exactly these members"),
        (changed(root=None), "32 bytes"),
        (changed(root="AAAA"), "32 bytes"),
        (changed(root="é" * 43), "32 bytes"),
        (changed(root="A" * 42 + "B"), "32 bytes"),
        (with_key(secret=7), "32 bytes"),
        (with_key(id="A/.."), "of \\[a-z2-7\\]"),
        (with_key(id=7), "of \\[a-z2-7\\]"),
        (with_key(created_at="yesterday"), "not an instant"),
        (with_key(created_at=1700000000), "not an instant"),
        (with_key(more=1), "exactly these members"),
    ],
    ids=count(),
)
def test_a_text_that_is_not_a_keyring_is_refused_in_one_line(text, reason):
    with pytest.raises(KeyringRefused, match=f"^this is not a keyring: .*{reason}") as refused:
        Keyring.parse(text)
    assert "\n" not in str(refused.value)


def test_a_refusal_shows_nothing_of_the_text():
    secret = json.loads(RING.dump())["root"]
    for text in (changed(root=secret[:-1]), RING.dump()[:-5], with_key(id=secret)):
        with pytest.raises(KeyringRefused) as refused:
            Keyring.parse(text)
        assert secret[:8] not in str(refused.value)
        assert refused.value.__cause__ is None
