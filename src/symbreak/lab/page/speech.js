// What happens, in sentences: not at every frame, and at once when it stops.

import { find, say } from "./dom.js";

const EVERY = 4000; // ms between two sentences to a screen reader while playing
const SOON = 600; // ms after which a stop is told

export class Speech {
  constructor(lab) {
    this.lab = lab;
  }

  tell() {
    const { lab } = this;
    const now = performance.now();
    const stopped = this.told?.playing && !lab.playing;
    if (this.told && !stopped && now - this.told.at < EVERY) return this.#soon();
    this.told = { at: now, playing: lab.playing };
    for (const card of lab.cards) card.describe();
    say(find("live"), `Step ${lab.t}${lab.playing ? ", playing" : ""}. ${lab.cards.map((card) => card.summary).join(" ")}`);
  }

  #soon() {
    this.told.playing = this.lab.playing;
    if (this.lab.playing) return;
    clearTimeout(this.telling);
    this.telling = setTimeout(() => {
      this.told = null;
      this.tell();
    }, SOON);
  }
}
