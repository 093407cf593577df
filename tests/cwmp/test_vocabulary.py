import random
from itertools import count
from pathlib import Path

import pytest

from cwmp import envelope as envelopes
from cwmp.vocabulary import Vocabulary
from tests.cwmp.samples import INFORM, MESSAGES, envelope, inform_bytes, read

NEW = count()


def always():
    return 0.0


def never():
    return 0.99


def strange(names=1):
    return envelope("<c:Inform>" + "".join(f"<made-up-{next(NEW)}/>" for _ in range(names)) + "</c:Inform>")


def full_set():
    return {b"%d" % number for number in range(4096)}


@pytest.fixture
def full():
    """A vocabulary without any room left, which looks at every message."""
    vocabulary = Vocabulary(always)
    while not vocabulary.is_strange(strange(400)):
        pass
    return vocabulary


def test_what_we_write_ourselves_is_never_strange(full):
    for _ in range(2):
        assert not full.is_strange(inform_bytes(session_timeout=60, supported_versions=("1.4",)))


def test_the_corpus_finds_room():
    vocabulary = Vocabulary(always)
    assert not any(vocabulary.is_strange(path.read_bytes()) for path in MESSAGES.glob("*.xml"))


@pytest.mark.parametrize(
    "content",
    [
        "<new/>",
        "</new>",
        "<new:Name/>",
        '<Name new="1"/>',
        "<Name new='1'/>",
        '<Name new:type="1"/>',
        '<Name xmlns="urn:new"/>',
        "<?new instruction?>",
        "&new;",
        "<!-- <Name --><new/>",
        "<Name></new\n>",
        '<Name type="\'" new="\'"/>',
    ],
)
def test_a_name_beyond_the_room_is_seen_wherever_it_stands(full, content):
    assert full.is_strange(envelope(f"<c:Inform>{content}</c:Inform>"))


def test_a_name_beyond_the_room_is_seen_in_every_charset(full):
    assert full.is_strange(strange().decode().encode("utf-16"))


def test_values_are_no_names(full):
    content = '<Name type="new">new</Name><Value type=\'new\'>new new="1"</Value>'
    assert not full.is_strange(envelope(f"<c:Inform>{content}</c:Inform>").replace(b"xmlns:c", b"xmlns:cwmp"))


def test_a_long_name_is_strange_at_once():
    assert Vocabulary(always).is_strange(envelope(f"<{'x' * 129}/>"))


def test_small_messages_are_looked_at_now_and_then_and_all_of_them_after_a_strange_one(full):
    full._random = never
    full._watchful = 0
    assert not full.is_strange(strange())
    full._random = always
    assert full.is_strange(strange())
    full._random = never
    assert full.is_strange(strange())


def test_a_large_message_is_strange_without_a_look():
    assert Vocabulary(never).is_strange(inform_bytes() + b" " * 32_768)


@pytest.mark.parametrize(("size", "chance"), [(1_024, 1 / 32), (16_384, 1 / 2)])
def test_the_chance_of_a_look_grows_with_the_size(size, chance):
    drawn = iter([chance * 0.99, chance * 1.01])
    vocabulary = Vocabulary(lambda: next(drawn))
    vocabulary._admitted = full_set()
    body = strange().ljust(size)
    assert vocabulary.is_strange(body)
    vocabulary._watchful = 0
    assert not vocabulary.is_strange(body)


def test_the_room_is_bounded(full):
    for _ in range(20):
        full.is_strange(strange(400))
        full.is_strange(inform_bytes() + b"<Name type='%d'>" % next(NEW))
    assert len(full._admitted) <= 4096
    assert len(full._vetted) <= 4096


def resident():
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="there is no /proc here to read the memory from")
def test_messages_full_of_new_names_do_not_make_the_process_grow(monkeypatch):
    """SEC-02: 30 MB of names, of which next to nothing stays."""
    monkeypatch.setattr(envelopes, "_vocabulary", Vocabulary(random.Random(1).random))
    for _ in range(20):
        read_strange()
    before = resident()
    for _ in range(1000):
        read_strange()
    assert resident() - before < 12_000_000
    assert read(inform_bytes()).message == INFORM


def read_strange():
    names = "".join(f"<{'x' * 60}{next(NEW)}/>" for _ in range(400))
    body = envelope(f"<c:Inform><DeviceId><OUI>00005E</OUI><SerialNumber>S</SerialNumber></DeviceId>{names}</c:Inform>")
    assert read(body).message.device_id.serial_number == "S"
