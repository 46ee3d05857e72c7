"""What the bits of a map depend on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symbreak._version import __version__
from symbreak.experiments.map.settings import MapSettings
from symbreak.experiments.running import Problem


@dataclass(frozen=True)
class Identity:
    """Settings, data and version: chunks of another identity are not taken over.

    Attributes:
        data: SHA-256 of the data as the networks see it; a file may have changed under its name.
    """

    settings: MapSettings
    data: str
    version: str = __version__

    def differences(self, stored: Mapping[str, Any]) -> list[str]:
        """Return what is otherwise in a stored `map.json`, one phrase each."""
        mine, theirs = self.settings.to_json(), dict(stored["settings"])
        names = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
        found = [f"{name} is {theirs.get(name)} there, {mine.get(name)} is asked" for name in names]
        if not names and stored["data_sha256"] != self.data:
            found.append(f"the contents of {self.settings.data} were others")
        if stored["version"] != self.version:
            found.append(f"symbreak {stored['version']} made it, this is {self.version}")
        return found

    @property
    def digest(self) -> str:
        """SHA-256 of it all; every chunk carries it."""
        return hashlib.sha256(f"{self.settings.digest} {self.data} {self.version}".encode()).hexdigest()


def identify(settings: MapSettings, problem: Problem) -> Identity:
    """Return the identity of a map on this data."""
    data = hashlib.sha256(problem.loss.encode())
    for part in (problem.train, problem.scored):
        for array in (part.X, part.Y):
            data.update(f"{array.shape}".encode() + array.tobytes())
    return Identity(settings, data.hexdigest())
