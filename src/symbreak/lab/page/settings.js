// Network and data: what all networks of the race share.

import { mark } from "./boundary.js";
import { el, fill, find } from "./dom.js";
import { pen } from "./look.js";

const OWN = "own";

export class Settings {
  /** `change` takes the keys of the state that the reader changed. */
  constructor(form, choices, change) {
    this.change = change;
    this.choices = choices;
    const select = (key, options) => {
      const made = el("select", { onchange: () => change({ [key]: made.value }) });
      fill(made, options);
      return made;
    };
    const number = (key, given) => {
      const made = el("input", { type: "number", ...given, onchange: () => made.reportValidity() && change({ [key]: Number(made.value) }) });
      return made;
    };
    this.fields = {
      data: select("data", choices.data),
      layers: el("input", {
        size: "9", inputmode: "numeric", autocomplete: "off", "aria-describedby": "layers-hint",
        onchange: () => this.#layers(),
      }),
      activation: select("activation", choices.activation),
      loss: select("loss", choices.loss),
      rate: number("rate", { min: "0.000001", max: "1000", step: "any" }),
      optimizer: select("optimizer", choices.optimizer),
      seed: number("seed", { min: "0", max: "9007199254740991", step: "1" }),
    };
    const names = {
      data: "Data", layers: "Hidden units", activation: "Activation", loss: "Loss", rate: "Learning rate",
      optimizer: "Update", seed: "Seed",
    };
    form.replaceChildren(...Object.entries(this.fields).map(([key, field]) => {
      field.id = `set-${key}`;
      return el("label", { for: field.id }, names[key], field);
    }), el("p", { id: "layers-hint", class: "how" }, "Hidden units: one number for each of 1 to 4 layers, as 4 or 8, 8."));
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  // The browser itself says what is wrong, as it does of numbers that do not fit.
  #layers() {
    const { layers } = this.fields;
    const right = /^[\s,]*\d+([\s,]+\d+){0,3}[\s,]*$/.test(layers.value);
    layers.setCustomValidity(right ? "" : "One to four whole numbers, as 4 or 8, 8.");
    if (layers.reportValidity()) this.change({ layers: layers.value.match(/\d+/g).map(Number) });
  }

  show(state, data) {
    const own = state.data === OWN ? [[OWN, `your own: ${data?.name ?? ""}`]] : [];
    fill(this.fields.data, [...this.choices.data, ...own], state.data);
    this.fields.layers.value = state.layers.join(", ");
    this.fields.layers.setCustomValidity("");
    classes(data);
    for (const key of ["activation", "loss", "rate", "optimizer", "seed"]) this.fields[key].value = String(state[key]);
  }
}

// What is learned, and how its classes look. Names come from tables of strangers: they are text.
function classes(data) {
  if (!data) return;
  const about = el("li", {}, `${data.name}: ${data.Y.length} examples, inputs ${data.features.slice(0, 6).join(", ")}${data.features.length > 6 ? ", …" : ""}`);
  const names = data.task === "regression" ? [] : data.labels;
  const samples = names.map(() => el("canvas", { "aria-hidden": "true" }));
  find("classes").replaceChildren(about, ...names.map((name, k) => el("li", {}, samples[k], el("span", {}, name))));
  samples.forEach((canvas, k) => {
    const drawing = pen(canvas);
    if (drawing) mark(drawing.context, k, 8, 8, 5.5);
  });
}
