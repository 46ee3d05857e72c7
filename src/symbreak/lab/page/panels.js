// The panels below the race; each asks for what it shows only while it is open.

import { el, fill, find } from "./dom.js";
import { dialPanel } from "./dial.js";
import { mapPanel } from "./map.js";
import { pointsPanel } from "./points.js";
import { weightsPanel } from "./weights.js";
import { xrayPanel } from "./xray.js";

const ORDER = ["xray", "dial", "map", "weights", "own"];

/** Return a panel: a heading that opens it, and what is in it; `opened` is told whether it is open. */
export function panel(id, title, says, opened, ...children) {
  const made = el("details", { class: "panel", id, ontoggle: () => opened(made.open) },
    el("summary", {}, title, el("small", {}, says)), ...children);
  find("panels").append(made);
  return made;
}

/** Bring a panel up above the race, open, where a lecturer needs it; null puts all panels back. */
export function feature(id) {
  const [race, place] = [find("race"), find("panels")];
  const before = document.querySelector("main > .panel");
  if (before && before.id !== id) {
    before.open = false;
    place.insertBefore(before, place.children[ORDER.indexOf(before.id)] ?? null);
  }
  const panel = id && find(id);
  if (!panel) return;
  panel.open = true;
  race.before(panel);
}

/** Return a select for the networks of the race that keeps its choice while it can. */
export function chooser(lab, id, chosen) {
  const select = el("select", { id, onchange: () => chosen(Number(select.value)) });
  lab.on("state", () => {
    const before = select.value;
    const options = lab.state.networks.map((one, k) => [k, `${k + 1}: ${one.init}`]);
    fill(select, options, Number(before) < options.length ? before || 0 : 0);
  });
  return select;
}

export function panels(lab) {
  xrayPanel(lab);
  dialPanel(lab);
  mapPanel(lab);
  weightsPanel(lab);
  pointsPanel(lab);
}
