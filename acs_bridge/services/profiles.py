"""The profile files: those that came with the daemon, and those of the folders that the settings name.

They are taken as a whole or not at all: one file with a mistake leaves everything as it was.
"""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import acs_bridge
from acs_bridge.domain.profile import InvalidProfile, Profile, ProfileSet, parse_profile

_SUFFIX = ".toml"
_LARGEST_FILE = 1 << 20  # bytes; a profile has a few hundred


def packaged_profiles() -> Path:
    """Find the profiles that came with the daemon: inside the package of a wheel, beside it in a checkout."""
    package = Path(str(files(acs_bridge)))
    installed = package / "_data" / "profiles"
    return installed if installed.is_dir() else package.parent / "config" / "profiles"


def load_profiles(folders: Iterable[Path] = ()) -> ProfileSet:
    """Read the packaged profiles and those of every folder; a later folder overrides what stands before it."""
    return ProfileSet([_read_folder(folder) for folder in (packaged_profiles(), *folders)])


def _read_folder(folder: Path) -> list[Profile]:
    """Read every `.toml` file of a folder, in the order of their names; hidden ones are an editor's, not ours."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == _SUFFIX and not path.name.startswith("."))
    except OSError as error:
        raise InvalidProfile(str(folder), "", f"cannot be read: {error.strerror}") from None
    return [parse_profile(_read(path), str(path)) for path in paths]


def _read(path: Path) -> str:
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
    return text
