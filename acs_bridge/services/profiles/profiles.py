"""The profile files: those that came with the daemon, and those of the folders that the settings name.

They are taken as a whole or not at all: one file with a mistake leaves everything as it was.
"""

import difflib
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final, TypeAlias

import acs_bridge
from acs_bridge.domain.profile import GatewayKind, InvalidProfile, Profile, ProfileSet, parse_profile

_SUFFIX = ".toml"
_LARGEST_FILE = 1 << 20  # bytes; a profile has a few hundred
PACKAGED: Final = ("plain-tr098", "plain-tr181")
"""The packaged profiles that are in force where the settings name no others."""

Texts: TypeAlias = Sequence[Sequence[tuple[str, str]]]
"""The files of each folder, in order: where each one is from, and its text."""


class LiveProfiles:
    """The profiles in force in this process. They are replaced as a whole, between two questions."""

    def __init__(self, profiles: ProfileSet) -> None:
        self._profiles = profiles

    @property
    def all(self) -> tuple[Profile, ...]:
        """Every one of them, the packaged ones first."""
        return self._profiles.profiles

    def best(self, kind: GatewayKind) -> Profile | None:
        """The profile that fits a gateway of this kind; raises AmbiguousProfile."""
        return self._profiles.best(kind)

    def take(self, profiles: ProfileSet) -> None:
        """Put others into force. A session that is under way goes on with the one that it began with."""
        self._profiles = profiles


def packaged_profiles() -> Path:
    """Find the profiles that came with the daemon: inside the package of a wheel, beside it in a checkout."""
    package = Path(str(files(acs_bridge)))
    installed = package / "_data" / "profiles"
    return installed if installed.is_dir() else package.parent / "config" / "profiles"


def load_profiles(folders: Iterable[Path] = (), packaged: Sequence[str] = PACKAGED) -> ProfileSet:
    """Read the packaged profiles of these names and those of every folder; a later folder overrides the ones before."""
    return parse_profiles(read_profiles(folders, packaged))


def read_profiles(folders: Iterable[Path] = (), packaged: Sequence[str] = PACKAGED) -> Texts:
    """Read the files, without a look at what is in them."""
    return [_read_packaged(packaged), *(_read_folder(folder) for folder in folders)]


def parse_profiles(texts: Texts) -> ProfileSet:
    """Make profiles of what was read, all or none."""
    return ProfileSet([[parse_profile(text, source) for source, text in folder] for folder in texts])


def _read_packaged(names: Sequence[str]) -> list[tuple[str, str]]:
    """A packaged file has the name of its profile."""
    folder = packaged_profiles()
    known = sorted(path.stem for path in _files(folder))
    for name in names:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0)[0]
            raise InvalidProfile("profiles.packaged", name, f"is not known; did you mean {nearest}?")
    return [_read(folder / f"{name}{_SUFFIX}") for name in dict.fromkeys(names)]


def _read_folder(folder: Path) -> list[tuple[str, str]]:
    return [_read(path) for path in _files(folder)]


def _files(folder: Path) -> list[Path]:
    """Every `.toml` file of a folder, in the order of their names; hidden ones are an editor's, not ours."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == _SUFFIX and not path.name.startswith("."))
    except OSError as error:
        raise InvalidProfile(str(folder), "", f"cannot be read: {error.strerror}") from None


def _read(path: Path) -> tuple[str, str]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
        text = content.decode()
    except OSError as error:
        raise InvalidProfile(str(path), "", f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidProfile(str(path), "", "is not UTF-8 text") from None
    if len(content) > _LARGEST_FILE:
        raise InvalidProfile(str(path), "", f"is longer than {_LARGEST_FILE} bytes")
    return str(path), text
