"""The door: names, aliases, paths, and what is refused before a file is opened."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from symbreak.datasets import load, names
from symbreak.datasets.loading import ALIASES
from symbreak.errors import InvalidData, InvalidInput, UnknownName

Refusal = Callable[..., str]
ENDINGS = ".csv, .tsv, .parquet, .pq, .npz"


def test_every_name_loads_a_set_of_that_name() -> None:
    assert [load(name).name for name in names()] == list(names())


@pytest.mark.parametrize(
    "alias", [*ALIASES, "Gaussian_Quantiles", " breast cancer", "MOONS", "noisy_circles", "breast_cancer"]
)
def test_other_spellings_are_understood(alias: str) -> None:
    assert load(alias).name in names()


def test_aliases_lead_to_names() -> None:
    assert set(ALIASES.values()) <= set(names())
    assert not set(ALIASES) & set(names())
    assert load("flower") == load("planar")


def test_an_unknown_name_is_met_with_the_nearest_and_with_paths(refusal: Refusal) -> None:
    assert refusal("breast-cancr") == (
        "unknown data set\n"
        "  got: 'breast-cancr'\n"
        "  allowed: planar, circles, moons, blobs, gaussian-quantiles, xor, digits, breast-cancer, wine, iris, "
        f"or the path of a file that ends in {ENDINGS}\n"
        "  try: breast-cancer"
    )
    for name in ("zzz", "", " ", "\0", "a" * 5000):
        with pytest.raises(UnknownName):
            load(name)


def test_a_missing_file_is_met_with_its_neighbour(
    tmp_path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "houses.csv").write_text("a,b\n")
    monkeypatch.chdir(tmp_path)
    assert refusal("house.csv") == (
        "the data file 'house.csv' does not exist\n"
        f"  got: a path looked up from {tmp_path}\n"
        f"  allowed: a file that ends in {ENDINGS}\n"
        "  try: houses.csv"
    )
    assert "check the path" in refusal("zzz.csv")
    assert "create the directory" in refusal("nowhere/zzz.csv")
    assert "does not exist" in refusal("nul\0.csv")


def test_a_directory_is_met_with_a_file_in_it(tmp_path: Path, refusal: Refusal) -> None:
    assert refusal(tmp_path).endswith("try: the path of one file in it")
    (tmp_path / "houses.csv").write_text("a,b\n")
    assert refusal(tmp_path) == (
        f"the data file {str(tmp_path)!r} is a directory\n"
        "  got: a directory\n"
        f"  allowed: a file that ends in {ENDINGS}\n"
        f"  try: {tmp_path / 'houses.csv'}"
    )


@pytest.mark.parametrize("name", ["book.xlsx", "data.csv.gz", "plain"])
def test_another_format_is_refused(
    tmp_path: Path, refusal: Refusal, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("a,b\n")
    assert f"the data file {name!r} is of no format that can be read" in refusal(name)


@pytest.mark.parametrize("ending", ENDINGS.split(", "))
def test_an_empty_file_is_refused(tmp_path: Path, refusal: Refusal, ending: str) -> None:
    path = tmp_path / f"data{ending}"
    path.touch()
    assert refusal(path).startswith(f"the data file {str(path)!r} is empty\n  got: 0 bytes")


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: Refusal) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1,2\n")

    def denied(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    assert "cannot be read\n  got: Permission denied" in refusal(path, target="b")


def test_paths_come_as_texts_paths_and_upper_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "DATA.CSV"
    path.write_text("a,b\n1,x\n2,y\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load(str(path), target="b") == load(path, target="b") == load("~/DATA.CSV", target="b")


def test_a_path_object_is_never_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidData, match="does not exist"):
        load(Path("iris"))


@pytest.mark.parametrize("thing", [None, 3, b"iris", ["iris"], object()])
def test_what_is_neither_name_nor_path_is_refused(thing: object) -> None:
    with pytest.raises(InvalidInput, match="given by name or path"):
        load(thing)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"target": "x1"}, {"task": "regression"}])
def test_a_built_in_set_has_its_own_target(options: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="its own target and task"):
        load("iris", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("impute", ["mode", 3, "", 1.0])
def test_an_unknown_way_to_impute_is_refused(impute: str) -> None:
    with pytest.raises(UnknownName, match="unknown way to impute"):
        load("iris", impute=impute)


HEAVY = "sklearn", "scipy", "pyarrow", "pandas", "numba", "matplotlib"


def loaded_by(statement: str) -> set[str]:
    report = f"import sys; {statement}; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True, env=environment)
    return set(done.stdout.split()) & set(HEAVY)


def test_importing_the_room_loads_only_numpy() -> None:
    assert loaded_by("import symbreak.datasets") == set()
    assert loaded_by("import symbreak.datasets; symbreak.datasets.load('planar')") == set()
    assert "sklearn" in loaded_by("import symbreak.datasets; symbreak.datasets.load('moons')")
