// Every weight as a field: change one by hand, and see what it breaks. A drawing of the network finds them.

import { el, fill, say } from "./dom.js";
import { drawGraph } from "./graph.js";
import { colour, FONT, pen } from "./look.js";
import { chooser, panel } from "./panels.js";

const MOST_FIELDS = 400;
const NEAR = 9; // pixels within which an edge is hit

export function weightsPanel(lab) {
  const view = { edges: [], weights: [], biases: [] };
  const network = chooser(lab, "edit-network", () => build());
  const layer = el("select", { id: "edit-layer", onchange: () => build() });
  const canvas = el("canvas", { class: "graph", role: "img", "aria-label": "Drawing of the network; the table beside it has all its weights" });
  const table = el("table", { class: "weights" });
  const note = el("p", { class: "how" });
  let fields = [];
  let built = "";

  const now = () => lab.frame?.networks[Number(network.value)];
  const edit = (name, row, column, field) => {
    if (!field.checkValidity() || field.value === "") return;
    lab.say({ do: "edit", network: Number(network.value), at: [name, row, column], value: Number(field.value) });
  };
  const cell = (name, row, column) => {
    const field = el("input", { type: "number", step: "any", "aria-label": `${name}[${row}, ${column}]`, onchange: () => edit(name, row, column, field) });
    fields.push({ field, name, row, column });
    return el("td", {}, field);
  };
  const build = () => {
    const found = now();
    const l = Number(layer.value || 1);
    const [rows, columns] = [lab.sizes[l], lab.sizes[l - 1]];
    built = `${network.value} ${l} ${lab.sizes}`;
    fields = [];
    if (!found?.weights[l - 1] || rows * (columns + 1) > MOST_FIELDS) {
      table.replaceChildren();
      return say(note, "This layer has too many weights for a table.");
    }
    say(note, `Rows are the units of layer ${l}. A change begins at the step that is shown; what came later is forgotten.`);
    const names = Array.from({ length: columns }, (_, k) => (l === 1 ? lab.data.features[k] ?? `x${k + 1}` : `unit ${k}`));
    table.replaceChildren(
      el("thead", {}, el("tr", {}, el("td", {}), ...names.map((name) => el("th", { scope: "col" }, name)), el("th", { scope: "col" }, "bias"))),
      el("tbody", {}, ...Array.from({ length: rows }, (_, row) => el("tr", {},
        el("th", { scope: "row" }, `unit ${row}`),
        ...names.map((_, column) => cell(`W${l}`, row, column)), cell(`b${l}`, row, 0)))));
    show();
  };
  const show = () => {
    const found = now();
    if (!made.open || !found) return;
    if (built !== `${network.value} ${layer.value || 1} ${lab.sizes}`) build();
    for (const { field, name, row, column } of fields) {
      if (field === document.activeElement) continue;
      const l = Number(name.slice(1)) - 1;
      const value = name[0] === "W" ? found.weights[l]?.[row]?.[column] : found.biases[l]?.[row];
      const text = value === null || value === undefined ? "" : String(Number(value.toPrecision(6)));
      if (field.value !== text) field.value = text;
    }
    graph(canvas, lab.sizes, found, view);
  };
  canvas.addEventListener("click", (event) => {
    const edge = nearest(view.edges, event.offsetX, event.offsetY);
    if (!edge) return;
    layer.value = String(edge.layer);
    build();
    fields.find((one) => one.name === `W${edge.layer}` && one.row === edge.row && one.column === edge.column)?.field.focus();
  });
  const made = panel("weights", "Weights by hand", "change any of them", (open) => open && build(),
    el("div", { class: "fields" },
      el("label", { for: network.id }, "Network", network), el("label", { for: layer.id }, "Layer", layer)),
    el("div", { class: "map-row" }, canvas, el("div", { class: "scroll" }, table, note)));
  lab.on("state", () => {
    const layers = lab.sizes.slice(1).map((_, k) => [k + 1, `W${k + 1}, b${k + 1}`]);
    fill(layer, layers, Number(layer.value) <= layers.length ? layer.value || 1 : 1);
  });
  lab.on("frame", show);
}

function graph(canvas, sizes, network, view) {
  const drawing = pen(canvas);
  if (!drawing) return;
  const { context, width, height } = drawing;
  view.edges = drawGraph(context, { width, height: height - 12 }, sizes, network.weights);
  context.font = `12px ${FONT}`;
  context.textAlign = "center";
  context.fillStyle = colour("muted");
  context.fillText("solid +, dashed −, dotted 0", width / 2, height - 4);
}

function nearest(edges, x, y) {
  let best = null;
  let least = NEAR;
  for (const edge of edges) {
    const [[ax, ay], [bx, by]] = [edge.from, edge.to];
    const along = Math.max(0.05, Math.min(0.95, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)));
    const away = Math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay));
    if (away < least) [best, least] = [edge, away];
  }
  return best;
}
