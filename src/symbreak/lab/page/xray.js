// A gradient taken apart: its factors side by side, and which of them is zero.

import { el, fill, find, percent, say, short } from "./dom.js";
import { classColour, colour, pen, rgb } from "./look.js";
import { chooser, panel } from "./panels.js";

const NEAR_ZERO = 1e-2;
const SIGNS = ["×", "∘", "×"];

export function xrayPanel(lab) {
  let wanted = null;
  const ask = () => lab.say({ do: "xray", network: Number(network.value), layer: Number(layer.value), on: made.open });
  const network = chooser(lab, "xray-network", ask);
  const layer = el("select", { id: "xray-layer", onchange: ask });
  const verdict = el("p", { class: "verdict", "aria-live": "polite" });
  const row = el("div", { class: "factors" });
  const made = panel("xray", "Gradient X-ray", "which factor is zero", ask,
    el("div", { class: "fields" },
      el("label", { for: network.id }, "Network", network), el("label", { for: layer.id }, "Gradient of layer", layer)),
    row, verdict,
    el("p", { class: "how" }, "The product, divided by the number of examples, with the last factor transposed. Rows are units, columns are examples or units of the next layer. A cross marks an exact zero, "
      + "a faint cell a number below 0.01; colour tells the sign."));
  lab.on("state", () => {
    const layers = lab.sizes.slice(1).map((_, k) => [k + 1, `W${k + 1}`]);
    fill(layer, layers, Number(layer.value) <= layers.length ? layer.value || 1 : 1);
    // A state that was under way when it was chosen may not have this network yet.
    if (wanted && lab.state.networks[wanted.network]) {
      network.value = String(wanted.network);
      layer.value = String(wanted.layer);
      wanted = null;
    }
    if (made.open) ask();
  });
  lab.on("frame", ({ xray }) => {
    if (!xray || !made.open) return;
    verdict.dataset.kind = xray.kind;
    say(verdict, `${xray.kind === "alive" ? "" : "✗ "}${xray.words}`);
    show(row, xray);
  });
  lab.showXray = (chosen) => {
    wanted = chosen;
  };
}

function show(row, xray) {
  const parts = [...xray.factors, xray.product];
  const key = parts.map((part) => part.name).join();
  if (row.dataset.key !== key) {
    row.dataset.key = key;
    row.replaceChildren(...parts.flatMap((part, k) => {
      const figure = el("figure", { class: "factor" },
        el("figcaption", {}, part.name), el("canvas", { role: "img" }), el("small", {}));
      const sign = k === parts.length - 1 ? "=" : k > 0 ? (parts.length === 5 ? SIGNS[k - 1] : "×") : "";
      return sign ? [el("span", { class: "sign", "aria-hidden": "true" }, sign), figure] : [figure];
    }));
  }
  const figures = row.querySelectorAll("figure");
  parts.forEach((part, k) => {
    const figure = figures[k];
    const state = part.zero_share === 1 ? "all zero" : part.near_zero_share > 0.9 ? "nearly all zero" : "alive";
    figure.dataset.zero = state;
    const words = state === "alive" ? `up to ${short(part.largest, 3)}; ${percent(part.near_zero_share)} nearly 0`
      : state === "all zero" ? "every number is 0" : `${percent(part.near_zero_share)} nearly 0`;
    say(figure.querySelector("small"), `${part.rows} × ${part.columns}; ${words}`);
    const canvas = figure.querySelector("canvas");
    canvas.setAttribute("aria-label", `${part.name}: ${words}`);
    paint(canvas, part);
  });
}

function paint(canvas, { values, largest }) {
  const drawing = pen(canvas);
  if (!drawing) return;
  const { context, width, height } = drawing;
  const [across, down] = [width / values[0].length, height / values.length];
  const [low, high, paper] = [rgb(classColour(0)), rgb(classColour(1)), rgb(colour("paper"))];
  values.forEach((line, i) => line.forEach((value, j) => {
    const share = value === null ? 1 : Math.min(1, Math.abs(value) / (largest || 1));
    const full = value > 0 ? high : low;
    const far = value === 0 ? 0 : Math.abs(value) < NEAR_ZERO ? 0.08 : 0.25 + 0.75 * Math.sqrt(share);
    const mixed = paper.map((from, c) => Math.round(from + far * (full[c] - from)));
    context.fillStyle = `rgb(${mixed.join()})`;
    context.fillRect(j * across, i * down, across + 0.5, down + 0.5);
    if (value === 0) cross(context, j * across, i * down, across, down);
  }));
}

function cross(context, x, y, width, height) {
  const size = Math.max(1.5, Math.min(width, height, 14) / 4);
  context.strokeStyle = colour("muted");
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x + width / 2 - size, y + height / 2 - size);
  context.lineTo(x + width / 2 + size, y + height / 2 + size);
  context.moveTo(x + width / 2 + size, y + height / 2 - size);
  context.lineTo(x + width / 2 - size, y + height / 2 + size);
  context.stroke();
}
