"""Whose code asked for a write: the line of the user's, the initializer, the modules whose methods were running."""

from __future__ import annotations

import math
import os
import site
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import torch
from torch import nn

TORCH = f"{Path(torch.__file__).parent}{os.sep}"
INITIALIZERS, MODULE = nn.init.__file__, nn.modules.module.__file__
HERE = f"{Path(__file__).parent}{os.sep}"
STANDARD = sysconfig.get_paths()["stdlib"]
LIBRARIES = tuple({sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"], *site.getsitepackages()})
LOADING = frozenset(("load_state_dict", "_load_from_state_dict"))
CONSTRUCTING = ("__init__", "reset_parameters", "_reset_parameters")


@dataclass(frozen=True)
class Asker:
    """Whose code asked for a write.

    Attributes:
        where: the line nearest to the write that is not PyTorch's or Python's.
        own: it is a layer's own start: PyTorch constructs one of its layers, or another installed library asked.
        by: the function of `torch.nn.init`, or "".
        call: that call with its arguments, where they are plain; "{}" stands for the parameter.
        makers: classes of the modules whose methods were running.
        loading: a state dict was being loaded.
    """

    where: str = ""
    own: bool = False
    by: str = ""
    call: str = ""
    makers: frozenset[type] = frozenset()
    loading: bool = False


def asked_by(stop: str, watch: str) -> Asker:
    """Walk up from a write in the file `watch` to the function `stop` in which the watching began."""
    own, by, call, loading, where = False, "", "", False, ""
    makers: set[type] = set()
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        path, function = code.co_filename, code.co_name
        if path != watch:
            if function == stop and path.startswith(HERE):
                break
            loading |= function in LOADING
            if code.co_argcount and path != MODULE and (maker := _method_of(frame)) is not None:
                makers.add(maker)
            if not where:
                in_torch = path.startswith(TORCH)
                if path == INITIALIZERS and not function.startswith("_"):
                    by, call = function, _call(frame)
                own |= in_torch and "/nn/modules/" in path and function in CONSTRUCTING
                installed = path.startswith(LIBRARIES) and not in_torch
                own |= installed
                if installed or not (in_torch or path.startswith(STANDARD)):
                    where = f"{path}:{frame.f_lineno}"
        frame = frame.f_back
    return Asker(where, own, by, call, frozenset(makers), loading)


def _method_of(frame: FrameType) -> type | None:
    """Return the class of the module whose method runs in a frame; None for a function, and for other objects."""
    code = frame.f_code
    first = type(frame.f_locals.get(code.co_varnames[0]))
    method = getattr(first, code.co_name, None) if issubclass(first, nn.Module) else None
    return first if getattr(method, "__code__", None) is code or (code.co_name == "__init__" and method) else None


def _call(frame: FrameType) -> str:
    """Write a call of an initializer as code, with "{}" for the parameter; "" if an argument is no plain value."""
    code = frame.f_code
    names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    given = {name: frame.f_locals.get(name) for name in names if frame.f_locals.get(name) is not None}
    if not all(isinstance(value, (bool, int, float, str)) and value == value for value in given.values()):
        return ""
    if any(isinstance(value, float) and math.isinf(value) for value in given.values()):
        return ""
    arguments = "".join(f", {name}={value!r}" for name, value in given.items())
    return f"torch.nn.init.{code.co_name}({{}}{arguments})"
