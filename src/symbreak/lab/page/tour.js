// The figures of the lesson, and the guided tour of them.

import { el, fill, find } from "./dom.js";
import { feature } from "./panels.js";

export function tour(lab, { presets, tour: steps }) {
  find("preset-label").hidden = presets.length === 0;
  find("tour-start").hidden = steps.length === 0;
  fill(find("preset"), [["", "choose…"], ...presets.map((one) => [one.id, one.title])], "");
  find("preset").addEventListener("change", () => {
    const one = presets.find(({ id }) => id === find("preset").value);
    if (!one) return;
    story(one.says ? `${one.title}. ${one.says}` : one.title);
    show(lab, one);
  });
  find("tour-start").addEventListener("click", () => stop(lab, steps, 0));
}

function story(text) {
  find("story").textContent = text;
  find("story").hidden = !text;
}

function show(lab, { state, do: then = [], xray }) {
  lab.say({ do: "set", state });
  const asked = then.map((message) => message.do);
  // A panel asks for its map itself when it opens.
  for (const message of then) if (message.do !== "map") lab.say(message);
  lab.showXray(xray ?? null);
  const dialled = then.find((message) => message.do === "epsilon");
  if (dialled) lab.showDial(dialled.network);
  feature(xray ? "xray" : asked.includes("epsilon") ? "dial" : asked.includes("map") ? "map" : null);
}

function stop(lab, steps, at) {
  const place = find("tour");
  const one = steps[at];
  place.hidden = !one;
  if (!one) {
    feature(null);
    return find("tour-start").focus();
  }
  story("");
  const button = (text, to, given = {}) => el("button", { type: "button", onclick: () => stop(lab, steps, to), ...given }, text);
  place.replaceChildren(
    el("h2", { tabindex: "-1" }, el("span", { class: "kind" }, `Step ${at + 1} of ${steps.length}: `), one.title),
    el("p", {}, one.text),
    one.look ? el("p", { class: "look" }, el("b", {}, "Look: "), one.look) : null,
    el("div", { class: "row" },
      at > 0 ? button("Back", at - 1) : null,
      button(at + 1 < steps.length ? "Next" : "End", at + 1, { class: "next" }),
      at + 1 < steps.length ? button("Leave the tour", -1) : null),
  );
  place.querySelector("h2").focus();
  place.scrollIntoView({ block: "nearest" });
  show(lab, one);
}
