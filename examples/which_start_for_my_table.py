"""A CSV of one's own, compared from Python, with a page to send around."""

import csv
import tempfile
from pathlib import Path

import numpy as np

import symbreak

folder = Path(tempfile.mkdtemp())
rng = np.random.default_rng(0)

with (folder / "flats.csv").open("w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["rooms", "district", "area", "rent"])
    for _ in range(300):
        rooms, district = int(rng.integers(1, 6)), rng.choice(["north", "south"])
        area = 18 * rooms + rng.normal(scale=6)
        rent = 9 * area + (250 if district == "south" else 0) + rng.normal(scale=40)
        writer.writerow([rooms, district, f"{area:.1f}", f"{rent:.2f}"])

comparison = symbreak.compare(
    folder / "flats.csv", target="rent", layers=(16,), activation="relu", learning_rate=0.05,
    inits=["zeros", "normal(0.01)", "he", "normal(10)"], seeds=3, iterations=300,
)  # fmt: skip
print(comparison)
comparison.to_html(folder / "report.html")
