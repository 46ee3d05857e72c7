"""From a column of targets to Y: which task it sets, and its classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symbreak.datasets.dataset import Task
from symbreak.datasets.table import Column, Place
from symbreak.errors import InvalidData, UnknownName

WISHES = ("classification", "regression")
"""What a caller may ask for instead of the rule of `encode_target`."""

MAX_INTEGER_CLASSES = 20
"""Whole numbers of more values than this are amounts: labels written as numbers (digits, grades) have fewer."""

MAX_CLASSES = 1000
"""More classes than this (those of ImageNet) are an identifier or free text, not classes."""


@dataclass(frozen=True, eq=False)
class Target:
    """The target side of a `Dataset`."""

    Y: NDArray[np.float64]
    classes: tuple[str, ...]
    task: Task
    notes: tuple[str, ...] = ()


def check_wish(task: str | None) -> None:
    """Raise `UnknownName` unless the task is None or one of `WISHES`."""
    if task is not None and task not in WISHES:
        raise UnknownName.among("task", task, WISHES)


def encode_target(column: Column, place: Place, *, task: str | None = None) -> Target:
    """Encode classes or numbers, whichever the column holds.

    Texts and booleans are classes (false is "0", true is "1"). Numbers are a regression if one is not whole, if they
    take more than `MAX_INTEGER_CLASSES` values, or if they take more than two and less than two samples each on
    average; else they are classes. `task` overrules this. Classes are sorted, numbers by size. So labels as uint8,
    float, bool, or the texts "0" and "1" come out the same.

    Raises `InvalidData` for a missing target, a single class, a constant regression, texts for a regression, and for
    more than `MAX_CLASSES` classes or (from `MAX_INTEGER_CLASSES` on) less than two samples per class on average.
    """
    check_wish(task)
    _check_complete(column, place)
    if task == "regression" or (task is None and _is_amount(column)):
        return _regression(column, asked=task is not None)
    return _classification(column, asked=task is not None)


def output_values(column: Column, place: Place) -> NDArray[np.float64]:
    """Return the numbers of one output of several, shape (m,). Raises `InvalidData` for gaps and texts."""
    _check_complete(column, place)
    if column.kind == "text":
        raise _no_number(column)
    return column.values


def _check_complete(column: Column, place: Place) -> None:
    if column.missing.any():
        raise InvalidData(
            f"the target {column.name!r} has no value in {place(int(np.argmax(column.missing)))}",
            got=f"{int(column.missing.sum())} of {column.missing.size} targets missing",
            allowed="a target for every sample",
            hint="remove such rows; targets are never imputed, for the network would learn the guess",
        )


def _is_amount(column: Column) -> bool:
    if column.kind != "number":
        return False
    distinct = np.unique(column.values).size
    crowded = distinct > 2 and 2 * distinct > column.values.size
    return not _is_whole(column) or distinct > MAX_INTEGER_CLASSES or crowded


def _is_whole(column: Column) -> bool:
    return bool((column.values == np.floor(column.values)).all())


def _regression(column: Column, *, asked: bool) -> Target:
    if column.kind == "text":
        raise _no_number(column)
    if column.values.min() == column.values.max():
        raise _constant(
            column, f"{column.values[0]:g} in all {column.values.size} samples", "two different values at least"
        )
    notes = (
        () if asked or not _is_whole(column) else (_reading(column, "for a regression", "classification", "classes"),)
    )
    return Target(column.values.reshape(1, -1), (), "regression", notes)


def _no_number(column: Column) -> InvalidData:
    return InvalidData(
        f"the target {column.name!r} is text and cannot be a regression",
        got=f"{column.values[0]!r} in its first row",
        allowed="numbers",
        hint='task="classification", or another target',
    )


def _classification(column: Column, *, asked: bool) -> Target:
    values, codes = np.unique(column.values, return_inverse=True)
    classes = tuple(_class_name(value) for value in values)
    if len(classes) == 1:
        raise _constant(column, f"{classes[0]!r} in all {codes.size} samples", "two classes or more")
    _check_crowd(column, len(classes))
    if len(classes) == 2:
        return Target(codes.reshape(1, -1).astype(np.float64), classes, "binary")
    notes = () if asked or column.kind == "text" else (_reading(column, "as classes", "regression", "numbers"),)
    return Target(np.eye(len(classes))[:, codes], classes, "multi-class", notes)


def _class_name(value: str | float) -> str:
    """Return the text itself, and for a number its shortest spelling: 1.0 is "1"."""
    if isinstance(value, str):
        return value
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _reading(column: Column, taken: str, other: str, meaning: str) -> str:
    """Say how whole numbers were read, where both readings are sensible."""
    distinct = np.unique(column.values).size
    found = f"target {column.name!r}: whole numbers of {distinct} values, taken {taken}"
    return f'{found}; task="{other}" takes them as {meaning}'


def _constant(column: Column, got: str, allowed: str) -> InvalidData:
    return InvalidData(
        f"the target {column.name!r} is the same for every sample, so there is nothing to learn",
        got=got,
        allowed=allowed,
        hint="choose another target column, or add samples of another kind",
    )


def _check_crowd(column: Column, classes: int) -> None:
    samples = column.values.size
    if classes > MAX_CLASSES or (classes > MAX_INTEGER_CLASSES and 2 * classes > samples):
        raise InvalidData(
            f"the target {column.name!r} has too many classes to learn",
            got=f"{classes} different values in {samples} samples",
            allowed=f"at most {MAX_CLASSES} classes, and two samples per class on average",
            hint="another target column, since this one looks like an identifier or free text"
            if column.kind == "text"
            else 'task="regression"',
        )
