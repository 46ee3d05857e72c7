// One card for each network: its start, two pictures, the meters, the proof.

import { drawBoundary } from "./boundary.js";
import { el, percent, say, short } from "./dom.js";
import { networkColour } from "./look.js";
import { drawPlane, gathered, spots, Trail } from "./plane.js";
import { Twins } from "./twins.js";

const NAMES = ["equal sums", "same function", "same delta", "same update"];
const MANY_DOTS = 16;

export class Card {
  /** `wish` holds what a card may ask for: init, remove, merge, change. */
  constructor(index, wish, choices) {
    this.index = index;
    this.trail = new Trail();
    this.twins = new Twins();
    this.frame = null;
    this.#build(wish, choices);
  }

  #build(wish, choices) {
    const n = this.index;
    const id = (what) => `${what}-${n}`;
    this.init = el("input", {
      id: id("init"), list: "inits", spellcheck: "false", autocomplete: "off", maxlength: "100",
      onchange: () => wish.init(n, this.init.value.trim()),
    });
    this.remove = el("button", { class: "small", onclick: () => wish.remove(n), "aria-label": `Remove network ${n + 1}` }, "✕");
    this.boundary = el("canvas", { role: "img", class: "boundary", "aria-label": "Decision boundary, not drawn yet" });
    this.plane = el("canvas", { role: "img", class: "plane", "aria-label": "Weights of the units, not drawn yet" });
    this.cost = el("dd", { class: "cost" });
    this.accuracy = el("dd", { class: "accuracy" });
    this.effective = el("span", { class: "effective" });
    this.dots = el("span", { class: "dots", "aria-hidden": "true" });
    this.saturated = el("span");
    this.bar = el("meter", { min: "0", max: "1", value: 0, "aria-label": "Saturated share" });
    this.score = el("dt", {}, "Accuracy");
    this.proof = el("ol", { class: "lemmas", "aria-label": "Proof" });
    this.why = el("p", { class: "why" });
    this.merge = el("input", { type: "checkbox", onchange: () => wish.merge(n, this.merge.checked) });
    this.dropout = el("input", {
      type: "number", min: "0", max: "0.99", step: "0.05",
      onchange: () => wish.change(n, { dropout: Number(this.dropout.value) }),
    });
    this.arithmetic = el("select", { onchange: () => wish.change(n, { arithmetic: this.arithmetic.value }) },
      ...choices.arithmetic.map((name) => el("option", {}, name)));
    this.proved = el("p", { class: "theorem" });
    this.element = el("article", { class: "card", "data-merged": "no", "aria-labelledby": id("name") },
      el("div", { class: "row" },
        el("span", { class: "swatch-line", "aria-hidden": "true" }),
        el("label", { class: "pick", for: id("init"), id: id("name") }, `Start ${n + 1}`), this.init, this.remove),
      el("div", { class: "pictures" },
        el("figure", { class: "large-boundary" }, this.boundary, el("figcaption", {}, "What it answers")),
        el("figure", { class: "large-plane" }, this.plane, el("figcaption", {}, "Units' weights")),
        ...this.twins.elements),
      el("dl", { class: "meters" },
        el("div", { class: "wide" }, el("dt", {}, "Units really different"), el("dd", {}, this.effective, this.dots)),
        el("div", {}, el("dt", {}, "Cost"), this.cost),
        el("div", {}, this.score, this.accuracy),
        el("div", {}, el("dt", {}, "Saturated"), el("dd", {}, this.saturated, this.bar))),
      this.proof, this.twins.words,
      el("div", { class: "foot" }, this.why, el("details", { class: "more" }, el("summary", {}, "Break or merge it"),
        el("div", { class: "fields" },
          el("label", { class: "check" }, this.merge, " Merge tied units"),
          el("label", {}, "Dropout ", this.dropout),
          el("label", {}, "Arithmetic ", this.arithmetic)),
        this.proved)));
  }

  /** Show what the network was asked to be. */
  set(entrant, sizes, proofs, alone) {
    this.sizes = sizes;
    this.init.value = entrant.init;
    this.remove.hidden = alone;
    this.merge.checked = entrant.merged !== null;
    this.dropout.value = entrant.dropout;
    this.arithmetic.value = entrant.arithmetic;
    if (proofs) {
      this.says = proofs.says;
      this.proofKey = null;
      say(this.proved, proofs.theorem);
    }
    this.element.querySelector(".swatch-line").style.color = networkColour(this.index);
    this.element.dataset.look = this.index;
  }

  restart() {
    this.trail = new Trail();
    this.twins.restart();
  }

  /** Take what a frame tells of this network. */
  take(network, t) {
    const first = !this.frame;
    this.frame = network;
    if (first) this.describe();
    this.trail.add(t, spots(network));
    this.twins.take(network.merged, t);
  }

  draw(data) {
    const network = this.frame;
    if (!network) return;
    const two = this.twins.show(network, this.sizes);
    this.element.dataset.merged = two ? "yes" : "no";
    if (two) this.twins.draw(network, this.sizes, this.index, data);
    drawBoundary(this.boundary, network.boundary, data);
    drawPlane(this.plane, network, this.index, this.trail, data);
  }

  /** Write what stands beside the pictures: after all of them, since text that changes makes the browser measure anew. */
  write(data) {
    const network = this.frame;
    if (!network) return;
    this.twins.write(network, this.sizes);
    say(this.cost, short(network.cost));
    say(this.score, data?.score === "r2" ? "R²" : "Accuracy");
    say(this.accuracy, data?.score === "r2" ? short(network.accuracy, 3) : percent(network.accuracy));
    say(this.effective, network.units.map((layer, k) => `${network.effective[k]} of ${layer.length}`).join(", "));
    const saturated = average(network.saturated);
    say(this.saturated, percent(saturated));
    this.bar.value = saturated;
    this.#drawDots(network);
    this.#prove(network);
  }

  #drawDots(network) {
    const layers = network.units.filter((layer) => layer.length <= MANY_DOTS);
    const key = JSON.stringify(layers);
    if (this.dotsKey === key) return;
    this.dotsKey = key;
    this.dots.replaceChildren(...layers.map((layer) => {
      const sizes = new Map();
      for (const kind of layer) sizes.set(kind, (sizes.get(kind) ?? 0) + 1);
      const groups = [...sizes.values()].map((size) =>
        el("span", { class: size > 1 ? "group tied" : "group" }, ...Array.from({ length: size }, () => el("i"))));
      return el("span", { class: "layer" }, ...groups);
    }));
  }

  #prove(network) {
    const key = JSON.stringify([network.lemmas, network.hypothesis, network.effective, network.diverged]);
    if (this.proofKey === key) return;
    this.proofKey = key;
    this.proof.hidden = network.lemmas.length === 0;
    this.proof.replaceChildren(...network.lemmas.map((lemma) => {
      const state = !lemma.holds ? "error" : lemma.broken_at !== null ? "warning" : "ok";
      const told = { ok: "holds", warning: "holds now, was broken", error: "broken" }[state];
      return el("li", { "data-state": state, title: lemma.says },
        el("b", { "aria-hidden": "true" }, state === "error" ? "✗" : "✓"),
        ` ${NAMES[lemma.lemma - 1]}`, el("span", { class: "unseen" }, `: ${told}`));
    }));
    const broken = network.lemmas.some((lemma) => lemma.broken_at !== null);
    say(this.why, !broken && !network.diverged && this.says ? this.says : reason(network));
    this.why.dataset.state = broken ? "error" : this.says ? "proved" : "";
  }

  /** Tell in a sentence what the card shows. */
  get summary() {
    const network = this.frame;
    if (!network) return "";
    return `${this.init.value}: ${units(network)}, cost ${short(network.cost)}, `
      + `${this.score.textContent.toLowerCase()} ${this.accuracy.textContent}.${network.merged ? ` ${this.twins.words.textContent}` : ""}`;
  }

  /** The pictures of this network, in rows, for a sheet. */
  get pictures() {
    const { twins } = this;
    const merged = this.frame?.merged ? [twins.large, twins.boundary, twins.small] : [];
    return [this.boundary, this.plane, ...merged];
  }

  /** Describe the pictures to who does not see them. */
  describe() {
    if (!this.frame) return;
    const groups = gathered(this.frame).map(({ at, units: tied }) =>
      `${tied.length} ${tied.length === 1 ? "unit" : "units"} at ${at.map((w) => short(w, 3)).join(", ")}`);
    this.plane.setAttribute("aria-label", `Weights of the units: ${groups.slice(0, 8).join("; ")}`);
    this.twins.describe();
    this.boundary.setAttribute("aria-label", `Decision boundary of ${this.init.value}, ${this.accuracy.textContent} right`);
  }
}

function units(network) {
  return network.units.map((layer, k) => {
    const name = network.units.length > 1 ? `layer ${k + 1}: ` : "";
    const really = network.effective[k];
    return `${name}${layer.length} ${layer.length === 1 ? "unit" : "units"}, ${really} really different`;
  }).join("; ");
}

function average(shares) {
  return shares.length ? shares.reduce((sum, share) => sum + share, 0) / shares.length : 0;
}

function reason(network) {
  if (network.diverged) return "The cost overflowed: this network diverged.";
  if (!network.lemmas.length) {
    const alike = network.units.some((layer, k) => network.effective[k] < layer.length);
    return alike ? "No two units were one at the start; by now some answer alike." : "No two units were one at the start: nothing ties them.";
  }
  const broken = network.lemmas.filter((lemma) => lemma.broken_at !== null);
  if (!broken.length) return "Proof holds, bit by bit: tied units stay tied.";
  const first = broken.reduce((one, other) => (other.broken_at < one.broken_at ? other : one));
  return `Broken at step ${first.broken_at}: ${first.names}.`;
}
