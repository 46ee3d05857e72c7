// Which line is which network's.

import { el, find } from "./dom.js";
import { dash } from "./look.js";

const SVG = "http://www.w3.org/2000/svg";

export function legend(networks, dashes) {
  find("legend").replaceChildren(...networks.map(({ init, merged }, k) =>
    el("li", {}, sample(k, dashes[k]), el("span", {}, merged === null ? init : `${init} (rings: merged)`))));
}

function sample(index, name) {
  const line = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ width: 30, height: 14, "aria-hidden": "true" })) line.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  const look = { d: "M0 7H30", stroke: `var(--look-${index})`, "stroke-width": 2.6, "stroke-dasharray": dash(name).join(" ") || "none" };
  for (const [key, value] of Object.entries(look)) path.setAttribute(key, value);
  line.append(path);
  return line;
}
