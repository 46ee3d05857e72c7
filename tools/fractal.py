"""The boundary of trainability, drawn and measured: what docs/fractal.md shows.

    python tools/fractal.py                                      # tanh, one learning rate for each layer
    python tools/fractal.py --activation relu
    python tools/fractal.py --axes offset --y 1 3
    python tools/fractal.py --resolution 256 --levels 1          # one picture, finer

Prints a line for each window of the zoom, then the dimension; writes the pictures to `--output` as one PNG.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from scipy.stats import rankdata

from symbreak.experiments.fractal import Frame, Setting, Window, dimension, edges, slopes, zoom
from symbreak.experiments.fractal.setting import AXES
from symbreak.report.drawing.canvas import image_bytes, settings
from symbreak.report.files import write_whole

PUBLISHED = (1.17, 1.98)
# Sides of the whole pictures, as decimal logarithms: the boundary passes through the middle of them.
WHOLE = {"rates": ((-1.0, 5.0), (-1.0, 5.0)), "offset": ((-3.0, 3.0), (-2.0, 4.0))}
# From slow to fast divergence, then from slow to fast convergence: told apart by hue and by lightness.
COLOURS = LinearSegmentedColormap.from_list("pace", ["#4a1500", "#d55e00", "#fbd9c0", "#d6e9f5", "#3d91c6", "#002c49"])
SHADES = 5
DPI = 84


def shade(frame: Frame) -> np.ndarray:
    """Return -1 to 1: the rank of each network's pace among those of its verdict, in a few steps; below 0 diverged."""
    shown = np.zeros(frame.pace.shape)
    for converged, sign in ((True, 1), (False, -1)):
        these = frame.converged == converged
        if these.any():
            share = rankdata(-np.abs(frame.pace[these])) / these.sum()
            shown[these] = sign * np.ceil(share * SHADES) / SHADES
    return shown


def picture(frames: Sequence[Frame]) -> Figure:
    """Draw all windows side by side, each with the place of the next."""
    across = min(2, len(frames))
    down = -(-len(frames) // across)
    with settings():
        figure = Figure(figsize=(4.6 * across, 4.5 * down + 0.3), layout="constrained")
        for place, frame in enumerate(frames):
            axes = figure.add_subplot(down, across, place + 1)
            draw_frame(axes, frame, frames[place + 1].window if place + 1 < len(frames) else None)
        figure.suptitle(title(frames[0].setting), fontsize=12, fontweight="bold", x=0.02, ha="left")
    return figure


def title(setting: Setting) -> str:
    batch = f"batches of {setting.batch_size}" if setting.batch_size else "full batch"
    return f"{setting.activation}, {batch}, {setting.steps} steps: blue converges, orange does not"


def draw_frame(axes: Axes, frame: Frame, following: Window | None) -> None:
    x, y = frame.window.x, frame.window.y
    look = {"origin": "lower", "interpolation": "nearest", "aspect": "auto", "cmap": COLOURS, "vmin": -1, "vmax": 1}
    axes.imshow(shade(frame), extent=(*x, *y), **look)
    names = AXES[frame.setting.axes]
    axes.set(xlabel=f"{names[0]}, log10", ylabel=f"{names[1]}, log10")
    axes.locator_params(nbins=4)
    axes.ticklabel_format(useOffset=False)
    axes.grid(visible=False)
    if following:
        corners = [(following.x[i], following.y[j]) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))]
        axes.plot(*zip(*corners, strict=True), color="#101418", linewidth=1.6)


def told(name: str, window: Window) -> str:
    return f"{name} 10^[{', '.join(f'{end:.5g}' for end in getattr(window, name))}]"


def run(asked: argparse.Namespace) -> list[Frame]:
    setting = Setting(
        asked.activation, asked.axes, steps=asked.steps, batch_size=asked.batch_size, seed=asked.seed, width=asked.width
    )
    whole = WHOLE[asked.axes]
    window = Window(tuple(asked.x or whole[0]), tuple(asked.y or whole[1]))
    print(f"{title(setting)}; {setting.width} inputs and hidden units, {setting.points} points, seed {setting.seed}")
    frames, begin = [], time.perf_counter()
    for frame in zoom(
        setting, window, levels=asked.levels, factor=asked.factor, resolution=asked.resolution, threads=asked.threads
    ):
        seconds = time.perf_counter() - begin
        found = ", ".join(f"{slope:.2f}" for slope in slopes(edges(frame.converged)))
        size = "x".join(map(str, frame.converged.shape))
        print(f"{size}  {told('x', frame.window)}  {told('y', frame.window)}", end="  ")
        print(f"{100 * frame.converged.mean():.0f} % converge; slopes {found}; {seconds:.0f} s,", end=" ")
        print(f"{1e6 * seconds / frame.steps:.1f} us for a step of a network", flush=True)
        frames.append(frame)
        begin = time.perf_counter()
    return frames


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--activation", default="tanh", choices=("tanh", "relu", "identity"))
    parser.add_argument("--axes", default="rates", choices=tuple(AXES))
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--x", type=float, nargs=2, metavar=("LOW", "HIGH"), help="ends of the axis, log10")
    parser.add_argument("--y", type=float, nargs=2, metavar=("LOW", "HIGH"), help="ends of the axis, log10")
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--levels", type=int, default=4)
    parser.add_argument("--factor", type=int, default=4)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--output", type=Path, default=Path("fractal.png"))
    return parser.parse_args()


def main() -> None:
    asked = parse()
    frames = run(asked)
    low, high = PUBLISHED
    print(f"dimension {dimension(frame.converged for frame in frames):.2f}; published over settings: {low} to {high}")
    write_whole(asked.output, image_bytes(picture(frames), "png", dpi=DPI))
    print(f"{asked.output}: {asked.output.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
