// Shortcuts, and the dialog that lists them.

import { el, find } from "./dom.js";

const SHORTCUTS = [["Space", "play or pause"], ["→", "one step"], ["Home", "rewind to the start"], ["?", "this help"]];
const BUSY = "input, select, textarea, button, summary, a, dialog, [tabindex]";

export function keys(lab) {
  const dialog = find("help-dialog");
  const list = SHORTCUTS.map(([key, does]) => el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, does)));
  dialog.append(
    el("h2", { id: "help-title" }, "How to use the lab"),
    el("p", {}, "Every card is one network; all learn the same data from different starts. Press Play: units that start equal "
      + "stay equal for ever, and the proof below the pictures says why. Change a start, or break a tie by hand."),
    el("p", {}, "Drop a CSV file anywhere on the page to learn your own data. The address always holds the whole state: share it."),
    el("dl", { class: "shortcuts" }, ...list),
    el("p", { class: "how" }, "Keys work while no field or button has the focus."),
    el("form", { method: "dialog" }, el("button", {}, "Close")),
  );
  find("help").addEventListener("click", () => dialog.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.(BUSY)) return;
    const does = { " ": () => lab.transport.toggle(), ArrowRight: () => lab.transport.step(), Home: () => lab.transport.rewind(), "?": () => dialog.showModal() };
    if (!does[event.key] || !lab.state) return;
    event.preventDefault();
    does[event.key]();
  });
}
