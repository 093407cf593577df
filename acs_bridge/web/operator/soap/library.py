"""spyne, loaded so that it works on every Python that we support, and silent.

spyne 2.14 carries a copy of `six` whose import hook lacks what Python 3.12 asks of it: it is loaded first, and
completed. It imports `cgi`, which Python 3.13 has dropped and `legacy-cgi` brings back. Its loggers quote messages.

Importing this module takes some 130 ms, which a daemon that nobody speaks SOAP to does not spend.
"""

import logging
import sys
import warnings
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_file_location, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any, Final

_SIX: Final = "spyne.util.six"


def _silence() -> None:
    logger = logging.getLogger("spyne")
    logger.setLevel(logging.CRITICAL + 1)
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def _load_six() -> None:
    """Load spyne's `six` before spyne does, and give its import hook the methods of PEP 451."""
    place = find_spec("spyne")
    if place is None or not place.submodule_search_locations:
        raise ModuleNotFoundError("spyne is not installed", name="spyne")
    path = Path(place.submodule_search_locations[0], "util", "six.py")
    spec = spec_from_file_location(_SIX, path)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"spyne has no {path.name}", name=_SIX)
    module = module_from_spec(spec)
    sys.modules[_SIX] = module
    spec.loader.exec_module(module)
    _complete(module._SixMetaPathImporter)  # noqa: SLF001 -- it has no other name


def _complete(importer: Any) -> None:  # noqa: ANN401 -- a class of the copied `six`
    def find(self: Any, name: str, path: object = None, target: object = None) -> ModuleSpec | None:  # noqa: ANN401, ARG001
        return spec_from_loader(name, self) if name in self.known_modules else None

    def create(self: Any, spec: ModuleSpec) -> ModuleType:  # noqa: ANN401
        module: ModuleType = self.load_module(spec.name)
        return module

    def execute(self: object, module: ModuleType) -> None:
        """Do nothing: `create` gives a module that is complete."""

    importer.find_spec, importer.create_module, importer.exec_module = find, create, execute


_silence()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its age: `cgi`, escapes in strings
    if _SIX not in sys.modules:
        _load_six()
    from spyne.application import Application
    from spyne.context import MethodContext
    from spyne.decorator import rpc
    from spyne.interface.wsdl.wsdl11 import Wsdl11
    from spyne.model.complex import ComplexModel
    from spyne.model.primitive import Boolean, DateTime, Integer32, Integer64, Token, Unicode
    from spyne.protocol.soap.soap11 import Soap11
    from spyne.server import ServerBase
    from spyne.service import Service

__all__ = [
    "Application",
    "Boolean",
    "ComplexModel",
    "DateTime",
    "Integer32",
    "Integer64",
    "MethodContext",
    "ServerBase",
    "Service",
    "Soap11",
    "Token",
    "Unicode",
    "Wsdl11",
    "rpc",
]
