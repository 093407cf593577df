"""Make the secrets that docker-compose.yml mounts: random passwords in config/secrets, each made once.

The folder is for its owner only. The files in it can be read by all, because a container reads them as a user of its
own. What is there already is left as it is.
"""

import secrets
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "secrets"
_BYTES = 24


def make(folder: Path) -> None:
    """Make what is missing in a folder."""
    folder.mkdir(mode=0o700, exist_ok=True)
    postgres = _keep_or_make(folder / "postgres_password", secrets.token_urlsafe(_BYTES))
    _keep_or_make(folder / "database_url", f"postgresql://acs_bridge:{postgres}@postgres/acs_bridge")
    _keep_or_make(folder / "cpe_password", secrets.token_urlsafe(_BYTES))


def _keep_or_make(file: Path, text: str) -> str:
    if not file.exists():
        file.write_text(f"{text}\n", encoding="ascii")
        file.chmod(0o644)
    return file.read_text(encoding="ascii").strip()


if __name__ == "__main__":
    make(FOLDER)
    print(f"The secrets of docker-compose.yml are in {FOLDER}.")
