// All cost curves in one picture.

import { short } from "./dom.js";
import { colour, dash, FONT, networkColour, pen } from "./look.js";

const MOST = 6000;

/** The points of the race, as the server sent them. */
export class Curves {
  constructor() {
    this.replace({ t: [], cost: [] });
  }

  replace(curves) {
    this.t = [...curves.t];
    this.cost = curves.cost.map((line) => [...line]);
  }

  add(curves) {
    this.t.push(...curves.t);
    curves.cost.forEach((line, k) => this.cost[k]?.push(...line));
    if (this.t.length <= MOST) return;
    const kept = (_, k) => k % 2 === 0;
    this.t = this.t.filter(kept);
    this.cost = this.cost.map((line) => line.filter(kept));
  }

  get last() {
    return this.t.at(-1) ?? 0;
  }
}

export function drawChart(canvas, curves, now, names, dashes, guessing) {
  const drawing = pen(canvas);
  if (!drawing) return;
  const { context, width, height } = drawing;
  const box = { left: 58, right: width - 14, top: 10, bottom: height - 26 };
  const seen = curves.cost.flat().filter((value) => value !== null);
  const usual = Number.isFinite(guessing) ? guessing : 0;
  const top = Math.min(1.08 * Math.max(usual, ...largest(seen), 1e-12), 6 * Math.max(usual, 1e-12) || Infinity);
  const last = Math.max(1, curves.last);
  const x = (t) => box.left + (t / last) * (box.right - box.left);
  const y = (cost) => box.bottom - (Math.min(cost, 1.2 * top) / top) * (box.bottom - box.top);
  frame(context, box, top, last, x, y);
  context.save();
  context.beginPath();
  context.rect(box.left, box.top - 3, box.right - box.left, box.bottom - box.top + 6);
  context.clip();
  if (usual) level(context, box, y(usual));
  curves.cost.forEach((line, k) => curve(context, curves.t, line, x, y, k, dashes));
  context.restore();
  context.strokeStyle = colour("accent");
  context.lineWidth = 1.5;
  context.setLineDash([]);
  context.beginPath();
  context.moveTo(x(now), box.top);
  context.lineTo(x(now), box.bottom);
  context.stroke();
}

// Math.max of thousands of arguments is too many.
function largest(values) {
  let found = 0;
  for (const value of values) if (value > found) found = value;
  return [found];
}

function frame(context, box, top, last, x, y) {
  context.font = `13px ${FONT}`;
  context.fillStyle = colour("muted");
  context.strokeStyle = colour("line");
  context.lineWidth = 1;
  context.beginPath();
  for (const part of [0, 0.5, 1]) {
    const at = y(part * top);
    context.moveTo(box.left, at);
    context.lineTo(box.right, at);
    context.textAlign = "right";
    context.fillText(short(part * top, 2), box.left - 8, at + 4.5);
    context.textAlign = part === 0 ? "left" : part === 1 ? "right" : "center";
    context.fillText(part === 0 ? "0" : `${Math.round(part * last)}${part === 1 ? " steps" : ""}`, x(part * last), box.bottom + 18);
  }
  context.stroke();
}

function level(context, box, at) {
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
  line.forEach((cost, k) => {
    if (cost === null) open = false;
    else if (open) context.lineTo(x(t[k]), y(cost));
    else {
      context.moveTo(x(t[k]), y(cost));
      open = true;
    }
  });
  context.stroke();
  context.setLineDash([]);
}
