// The map: scale of the start against learning rate, row by row as the server trains it.

import { el, percent, say, short } from "./dom.js";
import { colour, FONT, pen, rgb } from "./look.js";
import { panel } from "./panels.js";

// Viridis, as the reports' maps; it rises in lightness, so that it reads without hue.
const SHADES = ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"].map(rgb);
const DIVERGED = "#d55e00";
const BOX = { left: 62, right: 8, top: 8, bottom: 42 };

export function mapPanel(lab) {
  const view = { rows: [], cell: [0.5, 0.5], size: 0, score: "accuracy" };
  const canvas = el("canvas", {
    id: "map-canvas", tabindex: "0", role: "application",
    "aria-label": "Map of networks. Arrow keys move, Enter runs the network.",
  });
  const reading = el("p", { class: "verdict", "aria-live": "polite" }, "");
  const status = el("p", { class: "how" }, "");
  const again = el("button", { type: "button", onclick: () => ask() }, "Draw it again");
  const ask = () => {
    view.rows = [];
    say(status, "Training a small map first…");
    lab.say({ do: "map", on: true });
  };
  const draw = () => paint(canvas, view);
  const look = () => {
    say(reading, words(view, under(view)));
    draw();
  };
  const run = () => {
    const found = under(view);
    if (found) lab.add(found.init, { rate: found.rate, t: view.iterations });
  };
  canvas.addEventListener("pointermove", (event) => {
    move(canvas, view, event);
    look();
  });
  canvas.addEventListener("click", (event) => {
    move(canvas, view, event);
    look();
    run();
  });
  canvas.addEventListener("keydown", (event) => {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
    if (event.key === "Enter") run();
    if (!dx && !dy) return;
    event.preventDefault();
    const step = 1 / (view.rows.at(-1)?.size ?? 8);
    view.cell = [view.cell[0] + dx * step, view.cell[1] + dy * step].map((v) => Math.min(1 - step / 2, Math.max(step / 2, v)));
    look();
  });
  const made = panel("map", "Map", "scale of the start against learning rate", (open) => (open ? ask() : lab.say({ do: "map", on: false })),
    el("div", { class: "map-row" }, canvas,
      el("div", {}, el("p", { class: "how" }, "Every cell is one network after the same number of updates. Bright: it learned; dark: it "
        + "did not; orange: it diverged. Press on a cell to run that network in a column of its own, at its learning rate."),
      reading, status, again)));
  lab.on("map", (row) => {
    view.rows = view.rows.filter((one) => !(one.level === row.level && one.row === row.row));
    view.rows.push(row);
    if (row.row === row.size - 1) view.rows = view.rows.filter((one) => one.level === row.level);
    view.iterations = row.iterations;
    view.score = lab.data?.score ?? "accuracy";
    canvas.dataset.level = row.level;
    say(status, row.last ? `${row.size} × ${row.size} networks, ${row.iterations} updates each.`
      : `Level ${row.level + 1} of ${row.levels}: ${row.row + 1} of ${row.size} rows.`);
    draw();
  });
  lab.on("state", (message) => {
    if (!message.mapped && made.open && view.rows.length) say(status, "The map is that of the race before. Draw it again for this one.");
  });
  new ResizeObserver(draw).observe(canvas);
}

function move(canvas, view, event) {
  const width = canvas.clientWidth - BOX.left - BOX.right;
  const height = canvas.clientHeight - BOX.top - BOX.bottom;
  view.cell = [(event.offsetX - BOX.left) / width, 1 - (event.offsetY - BOX.top) / height]
    .map((v) => Math.min(0.9999, Math.max(0, v)));
}

/** Return the finest network that lies under the cursor. */
function under({ rows, cell }) {
  let found = null;
  for (const one of rows) {
    if (Math.floor(cell[1] * one.size) !== one.row || (found && found.level > one.level)) continue;
    const k = Math.floor(cell[0] * one.size);
    const net = one.networks[k];
    found = { ...net, level: one.level, cost: one.cost[k], score: one.accuracy[k], effective: one.effective[k], diverged: one.diverged[k], x: one.x.values[k] };
  }
  return found;
}

function words(view, found) {
  if (!found) return "";
  const score = view.score === "r2" ? `R² ${short(found.score, 3)}` : `accuracy ${percent(found.score)}`;
  const end = found.diverged ? "diverged" : `cost ${short(found.cost)}, ${score}, ${found.effective} units really different`;
  return `normal(${short(found.x, 3)}) at rate ${short(found.rate, 3)}: ${end}.`;
}

function paint(canvas, view) {
  const drawing = pen(canvas);
  if (!drawing) return;
  const { context, width, height } = drawing;
  const [w, h] = [width - BOX.left - BOX.right, height - BOX.top - BOX.bottom];
  for (const one of [...view.rows].sort((a, b) => a.level - b.level)) {
    const size = [w / one.size, h / one.size];
    one.accuracy.forEach((score, k) => {
      context.fillStyle = one.diverged[k] || one.cost[k] === null ? DIVERGED : shade(view.score === "r2" ? score : 2 * score - 1);
      context.fillRect(BOX.left + k * size[0], BOX.top + h - (one.row + 1) * size[1], size[0] + 0.6, size[1] + 0.6);
    });
  }
  axes(context, view, w, h);
  if (view.rows.length) cursor(context, view, w, h);
}

function shade(score) {
  const at = Math.min(1, Math.max(0, score ?? 0)) * (SHADES.length - 1);
  const k = Math.min(SHADES.length - 2, Math.floor(at));
  const mixed = SHADES[k].map((from, c) => Math.round(from + (at - k) * (SHADES[k + 1][c] - from)));
  return `rgb(${mixed.join()})`;
}

function axes(context, view, w, h) {
  context.strokeStyle = colour("muted");
  context.lineWidth = 1;
  context.strokeRect(BOX.left, BOX.top, w, h);
  context.fillStyle = colour("muted");
  context.font = `13px ${FONT}`;
  const one = view.rows.at(-1);
  if (!one) return;
  const ends = (values) => [values[0], values.at(-1)].map((value) => short(value, 2));
  const [x, y] = [ends(one.x.values), ends(one.y.values)];
  context.textAlign = "left";
  context.fillText(x[0], BOX.left, BOX.top + h + 17);
  context.textAlign = "right";
  context.fillText(x[1], BOX.left + w, BOX.top + h + 17);
  context.fillText(y[0], BOX.left - 6, BOX.top + h);
  context.fillText(y[1], BOX.left - 6, BOX.top + 12);
  context.textAlign = "center";
  context.fillText("scale of the start", BOX.left + w / 2, BOX.top + h + 34);
  context.save();
  context.translate(18, BOX.top + h / 2);
  context.rotate(-Math.PI / 2);
  context.fillText("learning rate", 0, 0);
  context.restore();
}

function cursor(context, view, w, h) {
  const size = view.rows.at(-1).size;
  const [i, j] = view.cell.map((v) => Math.floor(v * size));
  context.lineWidth = 4;
  context.strokeStyle = "#101418";
  const box = [BOX.left + (i * w) / size, BOX.top + h - ((j + 1) * h) / size, w / size, h / size];
  context.strokeRect(...box);
  context.lineWidth = 2;
  context.strokeStyle = "#ffffff";
  context.strokeRect(...box);
}
