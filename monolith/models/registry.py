"""A model by name: a built-in one, `module:Class`, or `path/to/file.py:Class`."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
import zlib
from pathlib import Path
from types import ModuleType

from monolith.core.errors import MissingExtra, ModelError, MonolithError
from monolith.estimator.model import MonolithModel

BUILT_IN = {
    "dcn": "monolith.models.dcn:Dcn",
    "deepfm": "monolith.models.deepfm:DeepFm",
    "dlrm": "monolith.models.dlrm:Dlrm",
    "fm": "monolith.models.fm:Fm",
    "lr": "monolith.models.lr:LogisticRegression",
}


def check_torch() -> None:
    """Raise MissingExtra if there is no PyTorch, without loading it: that takes a second."""
    if importlib.util.find_spec("torch") is None:
        raise MissingExtra("training", "torch")


def check_model(name: str) -> None:
    """Raise what `load_model` would raise, for a model of ours without loading PyTorch."""
    if name in BUILT_IN:
        check_torch()
    else:
        load_model(name)


def load_model(name: str) -> type[MonolithModel]:
    """The class that `name` stands for; from now on that is its name.

    Raises:
        ModelError: no such built-in model, module, file or class; or it is not a MonolithModel.
        MissingExtra: PyTorch is not installed.
    """
    place, colon, class_name = BUILT_IN.get(name, name).rpartition(":")
    if not colon:
        raise ModelError(_unknown(name), model=name)
    module = _module(place, name)
    found = getattr(module, class_name, None)
    if found is None:
        raise ModelError(f"model {name}: {place} has no {class_name!r} ({_models_in(module)})", model=name)
    if not (isinstance(found, type) and issubclass(found, MonolithModel)):
        raise ModelError(f"model {name}: {class_name} is not a MonolithModel", model=name)
    found.name = name
    return found


def _module(place: str, name: str) -> ModuleType:
    try:
        return _from_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except ModuleNotFoundError as exc:
        if exc.name == "torch":
            raise MissingExtra("training", "torch") from exc
        meant = _meant(name) if f"{place}.".startswith(f"{exc.name}.") else ""
        said = f"model {name}: there is no Python module {exc.name!r}{meant}"
        raise ModelError(said, model=name) from exc
    except FileNotFoundError as exc:
        raise ModelError(f"model {name}: there is no file {Path(place).absolute()}", model=name) from exc
    except MonolithError:
        raise
    except Exception as exc:  # whatever someone's own module raises while it is imported
        said = f"model {name}: {place} cannot be imported: {type(exc).__name__}: {exc}"
        raise ModelError(said, model=name) from exc


def _from_file(path: Path) -> ModuleType:
    """Import a file once, under a name of its own: a class must stay the same class when asked for again.

    It finds the modules beside it, as a script does.
    """
    name = f"monolith_model_{path.stem}_{zlib.crc32(bytes(path.resolve())):x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a path that ends in .py always has one
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if (beside := str(path.resolve().parent)) not in sys.path:
        sys.path.insert(0, beside)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _models_in(module: ModuleType) -> str:
    """What might have been meant; what a module only imports is none of its models."""
    own = [c for c in vars(module).values() if isinstance(c, type) and c.__module__ == module.__name__]
    names = ", ".join(c.__name__ for c in own if issubclass(c, MonolithModel))
    return f"models there: {names or 'none'}"


def _meant(name: str) -> str:
    """A hint, where what was given as a module is a file here: no module is looked for in this folder."""
    place, _, class_name = name.rpartition(":")
    file = Path(place.replace(".", "/") + ".py")
    return f", but a file: give {file}:{class_name}" if file.is_file() else ""


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, BUILT_IN, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"unknown model {name!r}{hint}: give one of {', '.join(BUILT_IN)}, module:Class or file.py:Class"
