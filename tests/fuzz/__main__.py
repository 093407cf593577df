"""Fuzz one target with atheris: `make fuzz ARGS="envelope -max_total_time=600"`; what follows the name is libFuzzer's.

What it finds lies as a file under tests/fuzz/found/ (which git does not keep): move it to tests/fuzz/findings/NAME/ and
the suite tries it from then on.
"""

import sys
from pathlib import Path
from tempfile import mkdtemp

import atheris

with atheris.instrument_imports(include=["cwmp", "acs_bridge.web.device.ticket"]):
    from tests.fuzz.targets import FINDINGS, SEEDS, TARGETS

HERE = Path(__file__).parent
MESSAGES = HERE.parent / "cwmp" / "messages"
FOUND = HERE / "found"


def main() -> None:
    """Run until something is found, or until libFuzzer's limits are reached."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        sys.exit(f"name a target: {', '.join(TARGETS)}")
    FOUND.mkdir(exist_ok=True)
    corpus = Path(mkdtemp(prefix="acs-bridge-fuzz-"))
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [f"-dict={HERE / 'words.dict'}", "-max_len=32768", "-timeout=10", f"-artifact_prefix={FOUND}/{name}-"]
    atheris.enabled_hooks.add("RegEx")
    atheris.Setup([sys.argv[0], *options, *sys.argv[2:], str(corpus)], TARGETS[name])
    atheris.Fuzz()


def seeds(name: str) -> list[bytes]:
    """What is mutated: the messages of the tests, and what was found before."""
    found = [*SEEDS.get(name, ()), *(path.read_bytes() for path in sorted((FINDINGS / name).glob("*")))]
    if name == "envelope":
        found += [b"\0" + path.read_bytes() for path in sorted(MESSAGES.rglob("*.xml"))]
    return found


if __name__ == "__main__":
    main()
