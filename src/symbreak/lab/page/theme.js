// Light and dark: the system's choice, until the reader makes one.

import { find } from "./dom.js";

const KEY = "symbreak-lab-theme";
const root = document.documentElement;
const kept = localStorage.getItem(KEY);
// At once, before anything is fetched: a dark room is not lit up for a moment.
if (kept === "dark" || kept === "light") root.dataset.theme = kept;

export function theme(changed) {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => {
    find("theme").setAttribute("aria-pressed", String(dark()));
    changed();
  };
  find("theme").addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    localStorage.setItem(KEY, root.dataset.theme);
    show();
  });
  system.addEventListener("change", show);
  show();
}
