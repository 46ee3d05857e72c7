// The one-ulp dial: how small a difference parts units that were one, and when.

import { el, fill, say } from "./dom.js";
import { chooser, panel } from "./panels.js";

const BITS = 53; // the last bit of a weight of 0.5 is 2^-53

const MOST_PLACES = 256;
const WAITING = "Training from the start to see when they part…";

/** Return epsilon at a place of the slider: 0, then from 2^-53 to 1. */
export const epsilonAt = (place) => (place === 0 ? 0 : 2 ** (place - 1 - BITS));

export function dialPanel(lab) {
  const network = chooser(lab, "dial-network", () => follow());
  const slider = el("input", { type: "range", id: "dial-epsilon", min: "0", max: String(BITS + 1), step: "1", value: "0" });
  const weight = el("select", { id: "dial-weight", onchange: () => Number(slider.value) && ask() });
  const output = el("output", { for: "dial-epsilon", class: "epsilon" });
  const answer = el("p", { class: "verdict", "aria-live": "polite" });
  const shown = () => {
    const place = Number(slider.value);
    const words = place === 0 ? "0: nothing is changed" : `2^${place - 1 - BITS} = ${epsilonAt(place).toExponential(2)}`;
    say(output, words);
    slider.setAttribute("aria-valuetext", words);
  };
  slider.addEventListener("input", shown);
  const ask = () => {
    say(answer, WAITING);
    const message = { do: "epsilon", network: Number(network.value), value: epsilonAt(Number(slider.value)) };
    lab.say(weight.value ? { ...message, at: JSON.parse(weight.value) } : message);
  };
  slider.addEventListener("change", ask);
  panel("dial", "One-ulp dial", "change one weight by almost nothing", () => shown(),
    el("div", { class: "fields" },
      el("label", { for: network.id }, "Network", network),
      el("label", { for: weight.id }, "Weight", weight),
      el("label", { for: slider.id, class: "long" }, "Added to this weight of the start", slider), output),
    answer);
  lab.on("dial", (told) => {
    network.value = String(told.network);
    follow();
    say(answer, sentence(told));
  });
  let wanted = null;
  const follow = () => {
    if (wanted !== null && lab.state.networks[wanted]) {
      network.value = String(wanted);
      wanted = null;
    }
    const { epsilon, at } = lab.state.networks[Number(network.value)] ?? {};
    fill(weight, places(lab.sizes, at), epsilon ? JSON.stringify(at) : "");
    slider.value = epsilon ? String(Math.max(1, Math.min(BITS + 1, Math.round(Math.log2(epsilon)) + BITS + 1))) : "0";
    shown();
  };
  lab.on("state", follow);
  lab.showDial = (index) => {
    wanted = index;
    say(answer, WAITING);
  };
  shown();
}

// The first of the last tied unit, which the server finds, or any weight of the first layer; others come with a link.
function places([inputs, units], at) {
  const all = Array.from({ length: Math.min(inputs * units, MOST_PLACES) }, (_, k) => ["W1", Math.floor(k / inputs), k % inputs]);
  const known = all.some((one) => String(one) === String(at));
  const shown = known || !at ? all : [...all, at];
  return [["", "a tied one"], ...shown.map((one) => [JSON.stringify(one), `${one[0]}[${one[1]}, ${one[2]}]`])];
}

function sentence({ epsilon, at, predicted, measured, steps, threshold, note }) {
  if (note) return `${note}.`;
  const [name, row, column] = at;
  const when = (step) => (step === null ? `not within ${steps} steps` : `step ${step}`);
  const head = epsilon === 0 ? "Nothing was added" : `${epsilon.toExponential(2)} was added to ${name}[${row}, ${column}]`;
  return `${head}. The units part by more than ${threshold}: predicted ${when(predicted)}, measured ${when(measured)}.`;
}
