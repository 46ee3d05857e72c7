// A network as a drawing: units are circles, weights are lines; units that are one stand in a ring.

import { classColour, colour, FONT } from "./look.js";

const MARGIN = 5; // of a ring around all units of a layer
const SIDE = 20;

/**
 * Draw a network into a box of a canvas and return its edges, [{layer, row, column, from, to}].
 *
 * `groups` holds for each hidden layer the units that belong together, and `whole(layer, units)` tells whether they
 * still are one. A layer of more than `most` units is drawn group by group, with their number. `labels` holds for each
 * hidden layer what stands in the circles.
 */
export function drawGraph(context, { width, height }, sizes, weights, { groups, labels, most = Infinity, whole = () => true } = {}) {
  const layers = sizes.map((size, l) => nodes(size, l > 0 && l < sizes.length - 1 ? groups?.[l - 1] : null, most));
  const longest = Math.max(...layers.map((layer) => layer.length));
  const radius = Math.min(11, width / sizes.length / 5, (height - 2 * MARGIN) / longest / 2.6);
  const x = (l) => SIDE + (l * (width - 2 * SIDE)) / (sizes.length - 1);
  const y = (l, k) => MARGIN + ((k + 0.5) * (height - 2 * MARGIN)) / layers[l].length;
  const edges = lines(context, weights, layers, x, y);
  layers.forEach((layer, l) => {
    if (groups && l > 0 && l < sizes.length - 1) rings(context, layer, groups[l - 1], x(l), (k) => y(l, k), radius, (units) => whole(l - 1, units));
    const labelled = Math.max(radius, Math.min(14, (x(1) - x(0)) / 2.2));
    layer.forEach((units, k) => {
      const text = units.length > 1 ? number(units, groups?.[l - 1]) : labels?.[l - 1]?.[k];
      node(context, x(l), y(l, k), text ? labelled : radius, text);
    });
  });
  return edges;
}

// Which units every circle stands for; those of a group stand side by side.
function nodes(size, groups, most) {
  const order = groups ? [...groups.flat(), ...rest(size, groups)] : Array.from({ length: size }, (_, k) => k);
  if (size <= most) return order.map((unit) => [unit]);
  const gathered = groups && groups.length <= most ? groups : [order];
  return gathered.map((units) => [...units]);
}

// Units that are one are so many times one; others are only many.
function number(units, groups) {
  return groups?.some((group) => group.length === units.length) ? `${units.length}×` : String(units.length);
}

function rest(size, groups) {
  const known = new Set(groups.flat());
  return Array.from({ length: size }, (_, k) => k).filter((unit) => !known.has(unit));
}

function lines(context, weights, layers, x, y) {
  const edges = [];
  weights.forEach((matrix, l) => {
    const [below, above] = [layers[l], layers[l + 1]];
    const values = above.map(([row]) => below.map(([column]) => matrix[row]?.[column] ?? 0));
    const largest = Math.max(1e-300, ...values.flat().map(Math.abs));
    values.forEach((line, i) => line.forEach((weight, j) => {
      const edge = { layer: l + 1, row: above[i][0], column: below[j][0], from: [x(l), y(l, j)], to: [x(l + 1), y(l + 1, i)] };
      edges.push(edge);
      context.strokeStyle = weight === 0 ? colour("muted") : classColour(weight > 0 ? 1 : 0);
      context.setLineDash(weight === 0 ? [2, 4] : weight < 0 ? [7, 3] : []);
      context.lineWidth = 1 + 4 * (Math.abs(weight) / largest);
      context.beginPath();
      context.moveTo(...edge.from);
      context.lineTo(...edge.to);
      context.stroke();
    }));
  });
  context.setLineDash([]);
  return edges;
}

function rings(context, layer, groups, x, y, radius, whole) {
  for (const units of groups) {
    const places = layer.map((node, k) => [node, k]).filter(([node]) => node.some((unit) => units.includes(unit))).map(([, k]) => k);
    if (units.length < 2 || places.length < 2) continue;
    const away = Math.min(4, radius / 2);
    const [top, bottom] = [y(places[0]) - radius - away, y(places.at(-1)) + radius + away];
    const one = whole(units);
    context.strokeStyle = one ? colour("ink") : colour("error");
    context.lineWidth = 2;
    context.setLineDash(one ? [] : [4, 4]);
    context.beginPath();
    context.roundRect(x - radius - away, top, 2 * (radius + away), bottom - top, radius + away);
    context.stroke();
    context.setLineDash([]);
  }
}

function node(context, x, y, radius, label) {
  context.fillStyle = colour("paper");
  context.strokeStyle = colour("ink");
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
  if (!label) return;
  context.fillStyle = colour("ink");
  context.font = `700 12px ${FONT}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(label, x, y + 0.5);
  context.textBaseline = "alphabetic";
}
