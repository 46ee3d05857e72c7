// The units' weight vectors in the plane; units on one spot are one arrow with a number.

import { short } from "./dom.js";
import { colour, FONT, networkColour, pen } from "./look.js";

const TRAIL = 240;

/** Where the units were: kept for drawing alone. */
export class Trail {
  constructor() {
    this.steps = [];
  }

  add(t, spots) {
    while (this.steps.length && this.steps.at(-1).t >= t) this.steps.pop();
    this.steps.push({ t, spots });
    if (this.steps.length > TRAIL) this.steps.splice(0, this.steps.length - TRAIL);
  }
}

/** Return a point for every unit of the first layer: its first two weights, or weight and bias. */
export function spots(network) {
  const first = network.weights[0];
  if (!first) return [];
  return first.map((row, unit) => [row[0] ?? NaN, (row.length > 1 ? row[1] : network.biases[0][unit]) ?? NaN]);
}

/** Return units that stand on one spot and are one, as [{at, units}]. */
export function gathered(network) {
  const found = new Map();
  spots(network).forEach((at, unit) => {
    const key = `${network.units[0]?.[unit]} ${at[0]} ${at[1]}`;
    if (!found.has(key)) found.set(key, { at, units: [] });
    found.get(key).units.push(unit);
  });
  return [...found.values()];
}

// Half the width of the picture: 1, 2, 5, 10, ..., so that the picture does not shake.
function reach(points) {
  const largest = Math.max(1e-300, ...points.flat().filter(Number.isFinite).map(Math.abs));
  const power = 10 ** Math.floor(Math.log10(largest * 1.15));
  return Math.max(1, [1, 2, 5, 10].find((k) => k * power >= largest * 1.15) * power);
}

export function drawPlane(canvas, network, index, trail, data) {
  const drawing = pen(canvas);
  if (!drawing) return;
  const { context, width, height } = drawing;
  if (!network.weights.length) {
    context.fillStyle = colour("muted");
    context.font = `14px ${FONT}`;
    context.textAlign = "center";
    context.fillText("too many weights to draw", width / 2, height / 2, width - 16);
    return;
  }
  const points = spots(network);
  const scale = reach(points);
  const side = Math.min(width, height) / 2 - 16;
  const place = ([x, y]) => [width / 2 + (x / scale) * side, height / 2 - (y / scale) * side];
  axes(context, width, height, scale, side, network, data);
  trails(context, trail, place, networkColour(index));
  const groups = gathered(network).filter(({ at }) => at.every(Number.isFinite));
  for (const group of groups) arrow(context, place([0, 0]), place(group.at), networkColour(index));
  for (const group of groups.sort((a, b) => a.units.length - b.units.length)) badge(context, place(group.at), group, index);
}

function axes(context, width, height, scale, side, network, data) {
  context.strokeStyle = colour("line");
  context.lineWidth = 1;
  context.beginPath();
  for (const part of [-1, -0.5, 0.5, 1]) {
    context.moveTo(width / 2 + part * side, 4);
    context.lineTo(width / 2 + part * side, height - 4);
    context.moveTo(4, height / 2 - part * side);
    context.lineTo(width - 4, height / 2 - part * side);
  }
  context.stroke();
  context.strokeStyle = colour("muted");
  context.beginPath();
  context.moveTo(width / 2, 4);
  context.lineTo(width / 2, height - 4);
  context.moveTo(4, height / 2);
  context.lineTo(width - 4, height / 2);
  context.stroke();
  context.fillStyle = colour("muted");
  context.font = `12px ${FONT}`;
  context.textAlign = "right";
  context.fillText(short(scale), width / 2 + side - 3, height / 2 + 14);
  context.textAlign = "left";
  const inputs = network.weights[0]?.[0]?.length ?? 0;
  context.fillText(inputs > 2 ? "weight 2" : inputs === 1 ? "bias" : "w2", width / 2 + 5, 15);
  context.textAlign = "right";
  context.fillText(inputs > 2 ? "weight 1" : inputs === 1 ? "weight" : "w1", width - 5, height / 2 - 6);
}

function trails(context, trail, place, stroke) {
  const { steps } = trail;
  if (steps.length < 2) return;
  context.strokeStyle = stroke;
  context.globalAlpha = 0.35;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let unit = 0; unit < steps[0].spots.length; unit++) {
    steps.forEach((step, k) => {
      const at = step.spots[unit];
      if (!at || !at.every(Number.isFinite)) return;
      if (k === 0) context.moveTo(...place(at));
      else context.lineTo(...place(at));
    });
  }
  context.stroke();
  context.globalAlpha = 1;
}

function arrow(context, from, to, stroke) {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  if (length < 3) return;
  context.strokeStyle = stroke;
  context.lineWidth = 2.2;
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
}

function badge(context, [x, y], group, index) {
  const count = group.units.length;
  const radius = count > 1 ? 12 : 6;
  context.fillStyle = count > 1 ? colour("paper") : networkColour(index);
  context.strokeStyle = count > 1 ? networkColour(index) : colour("paper");
  context.lineWidth = count > 1 ? 2.5 : 1.5;
  for (let k = Math.min(count, 4) - 1; k >= 0; k--) {
    context.beginPath();
    context.arc(x + 3 * k, y - 3 * k, radius, 0, 7);
    context.fill();
    context.stroke();
  }
  if (count < 2) return;
  context.fillStyle = colour("ink");
  context.font = `700 13px ${FONT}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(`${count}×`, x, y + 0.5);
  context.textBaseline = "alphabetic";
}
