import shutil
from pathlib import Path

import pytest

import acs_bridge
from acs_bridge.domain.profile import GatewayKind, InvalidProfile, Match
from acs_bridge.domain.write import Purpose
from acs_bridge.services.profiles import profiles
from acs_bridge.services.profiles.profiles import load_profiles, packaged_profiles

OURS = 'name = "{name}"\n[match]\n{match}\n[[parameter]]\nname = "Device.X_OURS.URL"\nvalue = "{{phan_url}}"\n'


def write(folder: Path, file: str, name: str, match: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / file).write_text(OURS.format(name=name, match=match))
    return folder


@pytest.mark.parametrize("root", ["Device.", "InternetGatewayDevice."])
def test_a_plain_profile_for_each_root_comes_with_the_daemon(root):
    profile = load_profiles().best(GatewayKind(root, "00236A", "anything", "1.0"))
    assert profile is not None
    assert profile.match == Match(root=root)
    (written,) = profile.render(Purpose.PROVISION, {"phan_url": "u" * 256})
    assert (written.name, written.value) == (f"{root}X_ACSBRIDGE_HomeAnalytics.URL", "u" * 256)
    (cleared,) = profile.render(Purpose.CLEAR, {})
    assert (cleared.name, cleared.value) == (written.name, "")


def test_every_packaged_profile_is_marked_as_an_assumption():
    files = sorted(packaged_profiles().glob("*.toml"))
    names = ["bulk-data-tr181", "plain-tr098", "plain-tr181", "vendor-tr098"]
    assert [file.stem for file in files] == names
    assert all("# ASSUMPTION" in file.read_text() for file in files)


def test_every_packaged_profile_can_be_in_force_by_the_name_of_its_file():
    for file in packaged_profiles().glob("*.toml"):
        (profile,) = load_profiles(packaged=[file.stem]).profiles
        assert profile.name == file.stem


def test_a_packaged_profile_that_there_is_not_is_named_with_the_nearest():
    with pytest.raises(
        InvalidProfile, match=r"^profiles\.packaged: bulk-data: is not known; did you mean bulk-data-tr181"
    ):
        load_profiles(packaged=["bulk-data"])


def test_an_installed_daemon_finds_its_profiles_inside_the_package(tmp_path, monkeypatch):
    installed = tmp_path / "acs_bridge" / "_data" / "profiles"
    shutil.copytree(packaged_profiles(), installed)
    monkeypatch.setattr(profiles, "files", lambda package: tmp_path / package.__name__)
    assert packaged_profiles() == installed
    assert len(load_profiles().profiles) == 2


def test_a_checkout_has_them_beside_the_package():
    assert packaged_profiles() == Path(acs_bridge.__file__).parents[1] / "config" / "profiles"


def test_a_later_folder_overrides_an_earlier_one(tmp_path):
    one = write(tmp_path / "one", "a.toml", "one", 'root = "Device."')
    two = write(tmp_path / "two", "a.toml", "two", 'root = "Device."')
    kind = GatewayKind("Device.", "", "", "")
    assert [best.name for dirs in ([], [one], [one, two], [two, one]) if (best := load_profiles(dirs).best(kind))] == [
        "plain-tr181",
        "one",
        "two",
        "one",
    ]


def test_other_and_hidden_files_are_passed_over(tmp_path):
    for name in ("notes.txt", ".a.toml", "a.toml~", "a.toml.bak"):
        (tmp_path / name).write_text("no profile")
    assert load_profiles([tmp_path]).profiles == load_profiles().profiles


def test_one_wrong_file_refuses_the_whole_naming_it(tmp_path):
    write(tmp_path, "a.toml", "fine", 'product_class = "A*"')
    write(tmp_path, "b.toml", "not fine", 'product_class = "B*"')
    with pytest.raises(InvalidProfile, match=rf"^{tmp_path / 'b.toml'}: name: must be"):
        load_profiles([tmp_path])


def test_two_files_with_one_match_are_refused_naming_both(tmp_path):
    write(tmp_path, "a.toml", "a", 'oui = ["00236A"]')
    write(tmp_path, "b.toml", "b", 'oui = ["00236a"]')
    with pytest.raises(
        InvalidProfile, match=rf"^{tmp_path / 'b.toml'}: match: is the same as in {tmp_path / 'a.toml'}"
    ):
        load_profiles([tmp_path])


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidProfile, match=rf"^{tmp_path / 'nowhere'}: cannot be read: No such file"):
        load_profiles([tmp_path / "nowhere"])


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"\xff", "is not UTF-8 text"), (b"#" * (1 << 21), "is longer than 1048576 bytes")],
    ids=["binary", "long"],
)
def test_a_file_that_is_no_text_of_ours_is_named(tmp_path, content, reason):
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(InvalidProfile, match=rf"^{tmp_path / 'a.toml'}: {reason}$"):
        load_profiles([tmp_path])


def test_a_folder_that_looks_like_a_profile_is_named(tmp_path):
    (tmp_path / "a.toml").mkdir()
    with pytest.raises(InvalidProfile, match=rf"^{tmp_path / 'a.toml'}: cannot be read: Is a directory$"):
        load_profiles([tmp_path])
