"""References to networks of the user: package.module:attribute. Only `import_reference` imports anything."""

import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

import flax.linen as nn

from zoo.errors import ZooError, suggestion
from zoo.models.user_module.error_lines import error_line
from zoo.printable import quoted

REGISTERED = r"\w[\w.+-]*"  # a name of a network
EXAMPLE = "my_nets:Net for the class Net in my_nets.py"


def is_reference(name: str) -> bool:
    """Whether a name is that of an attribute in a module, not of the registry."""
    return ":" in name


def split_reference(reference: str) -> tuple[str, str]:
    """(module, attribute). Raises ZooError for a text that is none."""
    module, _, attribute = reference.partition(":")
    module = module.removesuffix(".py")
    # A name that the module registers may have other characters than an attribute's.
    if not (all(part.isidentifier() for part in module.split(".")) and re.fullmatch(REGISTERED, attribute)):
        raise ZooError(f"{quoted(reference)} is no module and attribute: give them as {EXAMPLE}, from its folder")
    return module, attribute


def import_module(name: str) -> ModuleType:
    """The module, from the current folder or installed. Raises ZooError where it cannot be imported."""
    try:
        with _current_folder_first(), prints_aside():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise ZooError(
                f"there is no module {name} in this folder, and none is installed: start in the folder that has "
                f"{name.partition('.')[0]}.py{suggestion(name, _modules_here())}"
            ) from error
        raise ZooError(f"cannot import {name}: {error_line(error)}") from error
    except (Exception, SystemExit) as error:
        raise ZooError(f"cannot import {name}: {error_line(error)}") from error


def prints_aside() -> AbstractContextManager:
    """Within this context what a module of the user prints is on standard error: a command's output may be JSON."""
    return redirect_stdout(sys.stderr)


def find_attribute(module: ModuleType, attribute: str) -> Any:
    """What the module has under this name, which may have dots; None if there is nothing."""
    found: Any = module
    for part in attribute.split("."):
        found = getattr(found, part, None)
    return found


def imported_class(reference: str) -> type[nn.Module] | None:
    """The class of a Linen module, where the program has imported its module already; else None.

    A file that names a class makes nothing run by this, neither an import nor a function.
    """
    module, _, attribute = reference.partition(":")
    found: Any = sys.modules.get(module)
    for part in attribute.split("."):
        # Not getattr: some modules import others by it.
        found = getattr(found, "__dict__", {}).get(part)
    return found if is_network_class(found) else None


def is_network_class(found: Any) -> bool:
    """Whether it is a class of Linen modules, other than their base class."""
    return isinstance(found, type) and issubclass(found, nn.Module) and found is not nn.Module


def reference_to(found: Any) -> str:
    """The reference to a class or function; "" for anything else, as a function in a function."""
    found = getattr(found, "func", found)  # of a partial
    module, name = getattr(found, "__module__", None), getattr(found, "__qualname__", "<")
    return "" if module is None or "<" in name else f"{module}:{name}"


@contextmanager
def _current_folder_first() -> Iterator[None]:
    """The current folder comes first while the module is imported, and last afterwards.

    Libraries that zoo imports later are then not those of the folder.
    """
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        if folder not in sys.path:
            sys.path.append(folder)


def _modules_here() -> list[str]:
    return [path.stem for path in Path.cwd().glob("*.py")]
