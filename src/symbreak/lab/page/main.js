// The page: wishes go to the server, what it tells is drawn. All numbers are the server's.

import { Card } from "./cards.js";
import { Curves, drawChart } from "./chart.js";
import { el, find, say } from "./dom.js";
import { files } from "./files.js";
import { keys } from "./keys.js";
import { legend } from "./legend.js";
import { Link } from "./link.js";
import { forget, networkColour } from "./look.js";
import { panels } from "./panels.js";
import { Settings } from "./settings.js";
import { Speech } from "./speech.js";
import { compact, decoded, encoded, learn, whole } from "./state.js";
import { theme } from "./theme.js";
import { tour } from "./tour.js";
import { Transport } from "./transport.js";

// At the beginning the units of both networks lie on one spot, for the eye; only those of the right one are different.
const OPENING = { v: 1, networks: [{ init: "zeros" }, { init: "normal(0.01)" }] };
const ADDRESS_EVERY = 400; // ms between two changes of the address at least
const CHART_EVERY = 100; // ms between two drawings of the curves while playing

class Lab {
  state = null;
  data = null;
  sizes = [];
  own = null;
  frame = null;
  cards = [];
  curves = new Curves();
  playing = false;
  t = 0;
  dirty = false;
  choices = null;
  listeners = { state: [], frame: [], dial: [], map: [] };

  constructor() {
    this.link = new Link({
      busy: (message) => this.#busy(message),
      open: () => this.#opened(),
      lost: (how) => this.#lost(how),
      state: (message) => this.#state(message),
      frame: (message) => this.#frame(message),
      dial: (message) => this.emit("dial", message),
      map: (message) => this.emit("map", message),
      run: (message) => this.#run(message),
      command: (message) => this.files.command(message),
      error: (message) => this.#refused(message),
    });
    this.say = (message) => this.link.say(message);
  }

  on(kind, listener) {
    this.listeners[kind].push(listener);
  }

  emit(kind, message) {
    for (const listener of this.listeners[kind]) listener(message);
  }

  // ---- what the server tells

  #opened() {
    find("banner").hidden = true;
    document.body.dataset.connected = "yes";
    if (!this.state) return this.#first();
    const run = { schema: "symbreak/lab/1", state: compact({ ...this.state, t: this.t }) };
    if (this.state.data === "own" && this.own) this.say({ do: "load", run: { ...run, data: this.own } });
    else this.say({ do: "set", state: run.state });
    if (this.playing) this.say({ do: "play", speed: this.state.speed });
  }

  #first() {
    let state = null;
    try {
      state = decoded(location.hash);
    } catch {
      this.error("The link could not be read: the race begins with its first figure.");
    }
    this.asked = state !== null;
    this.say({ do: "set", state: state ?? this.opening });
  }

  #lost(how) {
    document.body.dataset.connected = "no";
    say(find("banner"), how === "full"
      ? "The server shows as many pages as it can. Close one; this page comes in by itself."
      : "The connection to symbreak lab is lost. What you see is kept, and the page goes on when the server is back. "
        + "If you started it again, open the address that it printed.");
    find("banner").hidden = false;
  }

  #state(message) {
    const before = this.state;
    find("waiting")?.remove();
    this.state = whole(message.state);
    this.sizes = message.sizes;
    if (message.data) this.data = message.data;
    this.curves.replace(message.curves);
    this.t = this.state.t;
    if (message.data) this.playing = false;
    this.#deal(message.proofs, before === null || message.data !== null);
    this.settings.show(this.state, this.data);
    find("speed").value = String(this.state.speed);
    if (this.state.data === "own" && message.data) this.keeping = this.link.ready && (this.say({ do: "save" }), true);
    this.address();
    this.transport.draw();
    this.emit("state", message);
    this.redraw();
    if (before === null) this.transport.begin();
  }

  #busy({ says }) {
    say(find("busy"), says);
    find("busy").hidden = !says;
  }

  #frame(message) {
    this.frame = message;
    if (message.t < this.t) for (const card of this.cards) card.restart();
    this.t = message.t;
    if (this.transport.believes(message.playing)) this.playing = message.playing;
    this.curves.add(message.curves);
    message.networks.forEach((network, k) => this.cards[k]?.take(network, message.t));
    this.unseen = message.frame;
    this.redraw();
  }

  #run(message) {
    if (this.keeping) {
      this.keeping = false;
      this.own = message.run.data ?? null;
      return;
    }
    this.files.saved(message.run);
  }

  #refused(message) {
    this.error(`${message.rule}: got ${message.got}; allowed: ${message.allowed}. Try ${message.try}`);
    if (!this.state) this.say({ do: "set", state: this.opening });
    else {
      this.#deal(null, false);
      this.settings.show(this.state, this.data);
    }
  }

  error(text) {
    const note = el("p", { class: "notice" }, text, el("button", { class: "small", "aria-label": "Close", onclick: () => note.remove() }, "✕"));
    find("errors").replaceChildren(note);
    setTimeout(() => note.remove(), 12_000);
  }

  // ---- cards

  #deal(proofs, anew) {
    const { networks } = this.state;
    while (this.cards.length > networks.length) this.cards.pop().element.remove();
    while (this.cards.length < networks.length) {
      const card = new Card(this.cards.length, this.wish, this.choices);
      this.cards.push(card);
      find("race").append(card.element);
    }
    find("race").dataset.count = networks.length;
    networks.forEach((entrant, k) => {
      this.cards[k].set(entrant, this.sizes, proofs?.[k], networks.length === 1);
      if (anew) this.cards[k].restart();
    });
    find("add").hidden = networks.length >= this.choices.limits.networks;
    legend(networks, this.choices.dashes);
  }

  wish = {
    init: (n, init) => this.entrant(n, { ...this.choices.network, init }),
    change: (n, keys) => this.entrant(n, keys),
    remove: (n) => this.begin({ networks: this.state.networks.filter((_, k) => k !== n) }),
    merge: (n, on) => this.say({ do: "merge", network: n, on }),
  };

  entrant(n, keys) {
    this.begin({ networks: this.state.networks.map((one, k) => (k === n ? { ...one, ...keys } : one)) });
  }

  add(init, keys = {}) {
    if (!this.state) return;
    const networks = this.state.networks.slice(0, this.choices.limits.networks - 1);
    this.begin({ networks: [...networks, { ...this.choices.network, init }], ...keys });
  }

  /** Begin a race that differs from this one in some keys; from step 0 unless they name another. */
  begin(keys) {
    const next = { ...this.state, t: 0, ...keys };
    if (keys.layers || keys.data) {
      const plain = { epsilon: 0, at: this.choices.network.at, edits: [], merged: null };
      next.networks = next.networks.map((one) => ({ ...one, ...plain }));
    }
    this.say({ do: "set", state: compact(next) });
  }

  // ---- drawing

  redraw() {
    if (this.dirty) return;
    this.dirty = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.dirty = false;
    if (!this.state) return;
    // While this one is drawn the server makes the next.
    if (this.unseen) this.say({ do: "seen", frame: this.unseen });
    this.unseen = 0;
    for (const card of this.cards) card.draw(this.data);
    this.#chart();
    for (const card of this.cards) card.write(this.data);
    this.transport.draw();
    if (this.frame) this.emit("frame", this.frame);
    this.#addressSoon();
    this.speech.tell();
  }

  // All curves at every frame would be most of the work.
  #chart() {
    const now = performance.now();
    if (this.playing && now - (this.charted ?? 0) < CHART_EVERY) return;
    this.charted = now;
    const look = { dashes: this.choices.dashes, guessing: this.data?.base_rate, log: find("log").checked };
    drawChart(find("chart"), this.curves, this.t, look);
  }

  // Browsers take a hundred changes of the address in half a minute, and no more.
  #addressSoon() {
    clearTimeout(this.addressing);
    const wait = (this.addressed ?? 0) + ADDRESS_EVERY - performance.now();
    if (wait <= 0) this.address();
    else if (!this.playing) this.addressing = setTimeout(() => this.address(), wait);
  }

  address() {
    clearTimeout(this.addressing);
    this.addressed = performance.now();
    const next = `#${encoded({ ...this.state, t: this.t })}`;
    if (next !== location.hash) history.replaceState(null, "", next);
  }
}

async function begin() {
  const lab = new Lab();
  lab.opening = OPENING;
  lab.transport = new Transport(lab); // before anything is waited for: whoever presses Play now is heard
  const [choices, presets] = await Promise.all([learn(), fetch("presets.json").then((answer) => answer.json())]);
  lab.choices = choices;
  document.body.append(el("datalist", { id: "inits" }, ...choices.inits.map((value) => el("option", { value }))));
  find("log").addEventListener("change", () => lab.redraw());
  find("add").addEventListener("click", () => lab.add("xavier"));
  lab.speech = new Speech(lab);
  lab.settings = new Settings(find("settings-form"), choices, (changed) => lab.begin(changed));
  lab.files = files(lab);
  theme(() => {
    forget();
    for (const card of lab.cards) card.element.querySelector(".swatch-line").style.color = networkColour(card.index);
    lab.redraw();
  });
  keys(lab);
  panels(lab);
  tour(lab, presets);
  new ResizeObserver(() => lab.redraw()).observe(document.body);
  window.addEventListener("hashchange", () => {
    try {
      const state = decoded(location.hash);
      if (state) lab.say({ do: "set", state });
    } catch {
      lab.error("The link could not be read; nothing was changed.");
    }
  });
  lab.link.open();
}

begin();
