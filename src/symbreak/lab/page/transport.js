// Play, step, rewind, speed, and the slider through time.

import { fill, find, say } from "./dom.js";

const SPEEDS = [1, 5, 20, 50, 100, 200, 500, 1000, 2000, 5000, "max"];
const USUAL = 200;
const SEEK_EVERY = 80; // ms between two wishes of the slider
const PRESSED = 500; // ms within which the server learns that Play was pressed

export class Transport {
  constructor(lab) {
    this.lab = lab;
    this.eager = false; // Play was pressed before there was anything to play
    this.pressed = -Infinity;
    fill(find("speed"), SPEEDS.map((one) => [one, one === "max" ? "as fast as it goes" : `${one} steps/s`]), USUAL);
    find("play").addEventListener("click", () => this.toggle());
    find("step").addEventListener("click", () => this.step());
    find("rewind").addEventListener("click", () => this.rewind());
    find("speed").addEventListener("change", () => this.#speed(find("speed").value));
    find("scrub").addEventListener("input", () => this.#seek(Number(find("scrub").value)));
  }

  /** Play, if that was asked for before the race was there. */
  begin() {
    if (this.eager) this.toggle();
  }

  toggle() {
    const { lab } = this;
    if (!lab.state) {
      this.eager = !this.eager;
      say(find("play"), this.eager ? "Starting…" : "Play");
      return;
    }
    this.pressed = performance.now();
    lab.say(lab.playing ? { do: "pause" } : { do: "play", speed: lab.state.speed });
    lab.playing = !lab.playing;
    this.#button();
  }

  step() {
    this.lab.say({ do: "step", n: 1 });
  }

  rewind() {
    this.lab.say({ do: "pause" });
    this.lab.say({ do: "seek", t: 0 });
  }

  /** Tell whether a frame knows if it plays: one that was under way when Play was pressed does not yet. */
  believes(playing) {
    return playing === this.lab.playing || performance.now() - this.pressed > PRESSED;
  }

  draw() {
    const { lab } = this;
    this.#button();
    say(find("t"), String(lab.t));
    this.#pace();
    const scrub = find("scrub");
    const last = Math.max(1, lab.curves.last, lab.t);
    if (document.activeElement !== scrub || lab.playing) {
      scrub.max = String(last);
      scrub.value = String(lab.t);
    }
    scrub.setAttribute("aria-valuetext", `step ${lab.t} of ${last}`);
  }

  #button() {
    say(find("play"), this.lab.playing ? "Pause" : "Play");
    find("play").dataset.playing = this.lab.playing ? "yes" : "no";
  }

  #pace() {
    const { seeking, rate } = this.lab.frame ?? {};
    const text = seeking !== null && seeking !== undefined ? `going to ${seeking}`
      : this.lab.playing && rate ? `${Math.round(rate)} a second` : "";
    say(find("pace"), text);
  }

  #seek(t) {
    clearTimeout(this.seeking);
    this.seeking = setTimeout(() => this.lab.say({ do: "seek", t }), SEEK_EVERY);
  }

  #speed(text) {
    const { lab } = this;
    if (!lab.state) return;
    lab.state.speed = text === "max" ? "max" : Number(text);
    if (lab.playing) lab.say({ do: "play", speed: lab.state.speed });
    lab.address();
  }
}
