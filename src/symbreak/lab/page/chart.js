// All cost curves in one picture.

import { short } from "./dom.js";
import { colour, dash, FONT, networkColour, pen } from "./look.js";

const MOST = 6000;
const APART = 36; // pixels between two rings of a merged network

/** The points of the race, as the server sent them. */
export class Curves {
  constructor() {
    this.replace({ t: [], cost: [], merged: [] });
  }

  replace(curves) {
    this.t = [...curves.t];
    this.cost = curves.cost.map((line) => [...line]);
    this.merged = curves.merged.map((line) => line && [...line]);
  }

  add(curves) {
    this.t.push(...curves.t);
    curves.cost.forEach((line, k) => this.cost[k]?.push(...line));
    curves.merged.forEach((line, k) => line && this.merged[k]?.push(...line));
    if (this.t.length <= MOST) return;
    const kept = (_, k) => k % 2 === 0;
    this.t = this.t.filter(kept);
    this.cost = this.cost.map((line) => line.filter(kept));
    this.merged = this.merged.map((line) => line && line.filter(kept));
  }

  get last() {
    return this.t.at(-1) ?? 0;
  }
}

/** Draw the cost curves; `guessing` is the cost of knowing nothing, `log` whether equal heights are equal ratios. */
export function drawChart(canvas, curves, now, { dashes, guessing, log }) {
  const drawing = pen(canvas);
  if (!drawing) return;
  const { context, width, height } = drawing;
  const box = { left: 58, right: width - 14, top: 10, bottom: height - 26 };
  const seen = curves.cost.flat().filter((value) => value !== null);
  const usual = Number.isFinite(guessing) ? guessing : 0;
  const top = Math.min(1.08 * Math.max(usual, ...largest(seen), 1e-12), 6 * Math.max(usual, 1e-12) || Infinity);
  const last = Math.max(1, curves.last);
  const scale = log ? ratios(seen) : { high: top, share: (cost) => Math.min(cost, 1.2 * top) / top, at: (part) => part * top };
  const x = (t) => box.left + (t / last) * (box.right - box.left);
  const y = (cost) => box.bottom - scale.share(cost) * (box.bottom - box.top);
  frame(context, box, scale, last, x, y);
  context.save();
  context.beginPath();
  context.rect(box.left, box.top - 3, box.right - box.left, box.bottom - box.top + 6);
  context.clip();
  if (usual) level(context, box, y(usual));
  curves.cost.forEach((line, k) => curve(context, curves.t, line, x, y, k, dashes));
  curves.merged.forEach((line, k) => line && beads(context, thinned(curves.t, line, x, y), k));
  context.restore();
  context.strokeStyle = colour("accent");
  context.lineWidth = 1.5;
  context.setLineDash([]);
  context.beginPath();
  context.moveTo(x(now), box.top);
  context.lineTo(x(now), box.bottom);
  context.stroke();
}

function ratios(costs) {
  const positive = costs.filter((cost) => cost > 0);
  let [low, high] = [Infinity, 1e-12];
  for (const cost of positive) [low, high] = [Math.min(low, cost), Math.max(high, cost)];
  low = Math.min(low, high / 2);
  const span = Math.log(high / low);
  return { high, share: (cost) => Math.log(Math.max(cost, low) / low) / span, at: (part) => low * Math.exp(part * span) };
}

// Math.max of thousands of arguments is too many.
function largest(values) {
  let found = 0;
  for (const value of values) if (value > found) found = value;
  return [found];
}

function frame(context, box, scale, last, x, y) {
  context.font = `13px ${FONT}`;
  context.fillStyle = colour("muted");
  context.strokeStyle = colour("line");
  context.lineWidth = 1;
  context.beginPath();
  for (const part of [0, 0.5, 1]) {
    const at = y(scale.at(part));
    context.moveTo(box.left, at);
    context.lineTo(box.right, at);
    context.textAlign = "right";
    context.fillText(short(scale.at(part), 2), box.left - 8, at + 4.5);
    context.textAlign = part === 0 ? "left" : part === 1 ? "right" : "center";
    if (part === 0.5 && last < 2) continue;
    context.fillText(part === 0 ? "0" : `${Math.round(part * last)}${part < 1 ? "" : last === 1 ? " step" : " steps"}`, x(part * last), box.bottom + 18);
  }
  context.stroke();
}

// The cost of knowing nothing but how often each class comes.
function level(context, box, at) {
  context.fillStyle = colour("muted");
  context.textAlign = "right";
  context.fillText("guessing", box.right - 4, at < box.top + 14 ? at + 15 : at - 5);
  context.strokeStyle = colour("muted");
  context.setLineDash([2, 4]);
  context.beginPath();
  context.moveTo(box.left, at);
  context.lineTo(box.right, at);
  context.stroke();
}

function curve(context, t, line, x, y, index, dashes) {
  context.strokeStyle = networkColour(index);
  context.lineWidth = 2.6;
  context.setLineDash(dash(dashes[index]));
  context.beginPath();
  let open = false;
  for (const point of thinned(t, line, x, y)) {
    if (point === null) open = false;
    else if (open) context.lineTo(...point);
    else {
      context.moveTo(...point);
      open = true;
    }
  }
  context.stroke();
  context.setLineDash([]);
}

// What a merged network costs: rings on a thin line, on the curve of its large one until they part.
function beads(context, points, index) {
  context.strokeStyle = networkColour(index);
  context.fillStyle = colour("paper");
  context.lineWidth = 1.5;
  context.beginPath();
  points.forEach((point, k) => point && (points[k - 1] ? context.lineTo(...point) : context.moveTo(...point)));
  context.stroke();
  let next = -Infinity;
  for (const point of points) {
    if (!point || point[0] < next) continue;
    next = point[0] + APART;
    context.beginPath();
    context.arc(...point, 4, 0, 7);
    context.fill();
    context.stroke();
  }
}

// Of all points on one column of pixels the lowest and the highest are enough; an overflow is a gap.
function thinned(t, line, x, y) {
  const points = [];
  let column = null;
  let low = 0;
  let high = 0;
  const end = () => {
    if (column === null) return;
    points.push([column, low]);
    if (high - low > 1) points.push([column, high]);
    column = null;
  };
  line.forEach((cost, k) => {
    if (cost === null) {
      end();
      points.push(null);
      return;
    }
    const [at, height] = [Math.round(x(t[k])), y(cost)];
    if (at !== column) {
      end();
      [column, low, high] = [at, height, height];
    } else [low, high] = [Math.min(low, height), Math.max(high, height)];
  });
  end();
  return points;
}
