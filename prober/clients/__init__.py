"""The emulated clients. A file that ends in `CLIENT = Client(...)` is all it takes to add one."""

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from prober.transaction import Client


def catalogue() -> Mapping[str, Client[Any]]:
    """Return every client by name, in alphabetical order."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    clients = [module.CLIENT for module in modules if hasattr(module, "CLIENT")]
    return MappingProxyType({client.name: client for client in sorted(clients, key=lambda one: one.name)})
