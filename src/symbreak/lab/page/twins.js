// The merged network beside its large one: two networks, and whether they still are one.

import { drawBoundary } from "./boundary.js";
import { el, say, short } from "./dom.js";
import { drawGraph } from "./graph.js";
import { pen } from "./look.js";
import { drawPlane, spots, Trail } from "./plane.js";

const ROUNDING = 1e-9; // answers that differ by no more differ by rounding, so far
const MOST = 12; // units of a layer that are drawn one by one
const NAMED = 8; // groups that are named aloud

export class Twins {
  /** Their elements stand among a card's pictures, whose own are those of the large network. */
  constructor() {
    const canvas = () => el("canvas", { role: "img", "aria-label": "The merged network, not drawn yet" });
    const figure = (name, picture, says) => el("figure", { class: name }, picture, el("figcaption", {}, says));
    this.trail = new Trail();
    this.headLarge = el("p", { class: "twin-head" });
    this.headSmall = el("p", { class: "twin-head small" });
    this.sign = el("p", { class: "twin-sign", "aria-hidden": "true" });
    [this.large, this.boundary, this.plane, this.small] = Array.from({ length: 4 }, canvas);
    this.elements = [this.headLarge, this.sign, this.headSmall,
      figure("large-graph", this.large, "Ring: units that are one"),
      figure("small-boundary", this.boundary, "What it answers"),
      figure("small-plane", this.plane, "Its units' weights"),
      figure("small-graph", this.small, "One unit for the ring")];
    this.words = el("p", { class: "why merged" });
  }

  restart() {
    this.trail = new Trail();
  }

  take(small, t) {
    if (small) this.trail.add(t, spots(small));
    else this.restart();
  }

  /** Make room for two networks if there are two, and tell whether; `network` is the large one as a frame tells it. */
  show(network, sizes) {
    const small = network.merged;
    const two = Boolean(small) && String(small.sizes) !== String(sizes);
    for (const one of this.elements) one.hidden = !two;
    this.words.hidden = !small;
    return two;
  }

  /** Write what stands beside the pictures. */
  write(network, sizes) {
    const small = network.merged;
    if (!small) return;
    if (String(small.sizes) === String(sizes)) {
      delete this.words.dataset.state;
      say(this.words, "Nothing was merged: no two units are one.");
      return;
    }
    const apart = small.difference === null || small.difference > small.threshold;
    say(this.headLarge, `Large: ${sizes.join("–")}, cost ${short(network.cost)}`);
    say(this.headSmall, `Merged: ${small.sizes.join("–")}, cost ${short(small.cost)}`);
    say(this.sign, apart ? "≠" : "=");
    this.sign.dataset.state = this.words.dataset.state = apart ? "error" : "ok";
    say(this.words, sentence(small, sizes, apart));
  }

  /** Draw the small network, and the units of both. */
  draw(network, sizes, index, data) {
    const small = network.merged;
    drawBoundary(this.boundary, small.boundary, data);
    const units = small.groups.map((layer) => layer.map((_, k) => k));
    drawPlane(this.plane, { ...small, units }, index, this.trail, data);
    const whole = (layer, group) => new Set(group.map((unit) => network.units[layer][unit])).size === 1;
    graph(this.large, sizes, network.weights, { groups: small.groups, whole });
    const labels = small.groups.map((layer) => layer.map((group) => (group.length > 1 ? `${group.length}×` : "")));
    graph(this.small, small.sizes, small.weights, { labels });
    this.spoken = { small, whole };
  }

  /** Tell the pictures to who does not see them. */
  describe() {
    if (!this.spoken) return;
    const { small, whole } = this.spoken;
    const told = small.groups.flatMap((layer, l) => layer.filter((group) => group.length > 1).map((group) =>
      `units ${group.join(", ")} of layer ${l + 1} ${whole(l, group) ? "are one" : "were one and are different now"}`));
    const text = told.length ? told.slice(0, NAMED).join("; ") : "no two units are one";
    this.large.setAttribute("aria-label", `Large network: ${text}`);
    this.small.setAttribute("aria-label", `Merged network of sizes ${small.sizes.join(", ")}`);
    this.boundary.setAttribute("aria-label", `Decision boundary of the merged network. ${this.words.textContent}`);
    this.plane.setAttribute("aria-label", `Weights of the merged network's units: ${spots(small).slice(0, NAMED).map((at) => at.map((w) => short(w, 3)).join(", ")).join("; ")}`);
  }
}

function graph(canvas, sizes, weights, how) {
  const drawing = pen(canvas);
  if (drawing) drawGraph(drawing.context, drawing, sizes, weights, { most: MOST, ...how });
}

function sentence(small, sizes, apart) {
  const both = `${small.sizes.join("–")} beside ${sizes.join("–")}`;
  if (small.apart_at !== null) {
    const now = small.difference === null ? "one of them overflowed" : `now their answers differ by ${short(small.difference, 3)}`;
    return `✗ Apart since step ${small.apart_at}: ${small.names}; ${now}.`;
  }
  if (apart) return `✗ ${both}: one of them overflowed.`;
  if (small.difference === 0) return `✓ ${both}: exactly the same answers.`;
  const why = small.difference <= ROUNDING ? ", which is rounding" : "";
  return `✓ ${both}: the same answers; the largest difference is ${short(small.difference, 3)}${why}.`;
}
