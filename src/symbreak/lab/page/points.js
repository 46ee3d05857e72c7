// Data of one's own: points set by hand, or a table.

import { mark } from "./boundary.js";
import { el, say } from "./dom.js";
import { colour, FONT, pen } from "./look.js";
import { panel } from "./panels.js";

const REACH = 3;
const MOST = 2000;

export function pointsPanel(lab) {
  let points = [];
  const kind = el("select", { id: "point-class" }, el("option", { value: "0" }, "0, round"), el("option", { value: "1" }, "1, triangle"));
  const canvas = el("canvas", { id: "points-canvas", class: "graph square", role: "img", "aria-label": "Your points" });
  const x1 = el("input", { id: "point-x1", type: "number", step: "any", value: "0" });
  const x2 = el("input", { id: "point-x2", type: "number", step: "any", value: "0" });
  const count = el("p", { class: "how", "aria-live": "polite" });
  const target = el("input", { id: "csv-target", autocomplete: "off", maxlength: "200" });
  const file = el("input", { id: "csv-file", type: "file", accept: ".csv,text/csv", onchange: async () => {
    if (file.files[0]) await lab.files.taken(file.files[0], target.value.trim() || null);
    file.value = "";
  } });
  const draw = () => {
    paint(canvas, points);
    const ones = points.filter((point) => point.kind === 1).length;
    say(count, `${points.length - ones} points of class 0, ${ones} of class 1`);
    learn.disabled = ones === 0 || ones === points.length;
  };
  const add = (x, y) => {
    if (points.length < MOST) points = [...points, { x, y, kind: Number(kind.value) }];
    draw();
  };
  const learn = el("button", { type: "button", id: "points-learn", onclick: () => lab.say({
    do: "points", X: [points.map((point) => point.x), points.map((point) => point.y)], Y: points.map((point) => point.kind),
  }) }, "Learn these points");
  const button = (text, does) => el("button", { type: "button", onclick: () => { does(); draw(); } }, text);
  canvas.addEventListener("click", (event) => {
    const side = [canvas.clientWidth, canvas.clientHeight];
    add(((event.offsetX / side[0]) * 2 - 1) * REACH, (1 - (event.offsetY / side[1]) * 2) * REACH);
  });
  panel("own", "Your own data", "points by hand, or a CSV table", (open) => open && draw(),
    el("div", { class: "map-row" }, canvas,
      el("div", {},
        el("div", { class: "fields" }, el("label", { for: kind.id }, "Class of the next point", kind),
          el("label", { for: x1.id }, "x1", x1), el("label", { for: x2.id }, "x2", x2),
          button("Add point", () => x1.value !== "" && x2.value !== "" && add(Number(x1.value), Number(x2.value))),
          button("Undo", () => { points = points.slice(0, -1); }), button("Clear", () => { points = []; }), learn),
        count,
        el("p", { class: "how" }, "Press in the square to set a point. Or pick a table with a header (or drop it anywhere on this page); "
          + "it stays on this machine, and a link does not hold it."),
        el("div", { class: "fields" }, el("label", { for: target.id }, "Column to learn (the last, if empty)", target),
          el("label", { for: file.id }, "CSV table", file)))));
}

function paint(canvas, points) {
  const drawing = pen(canvas);
  if (!drawing) return;
  const { context, width, height } = drawing;
  context.strokeStyle = colour("line");
  context.beginPath();
  context.moveTo(width / 2, 0);
  context.lineTo(width / 2, height);
  context.moveTo(0, height / 2);
  context.lineTo(width, height / 2);
  context.stroke();
  context.fillStyle = colour("muted");
  context.font = `12px ${FONT}`;
  context.textAlign = "right";
  context.fillText(String(REACH), width - 3, height / 2 - 4);
  for (const { x, y, kind } of points) mark(context, kind, ((x / REACH + 1) / 2) * width, ((1 - y / REACH) / 2) * height, 5);
}
