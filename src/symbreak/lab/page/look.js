// Colours and dashes, taken from the reports' style.

const DASHES = { solid: [], dash: [7, 4], dot: [2, 3], dashdot: [7, 3, 2, 3], longdash: [12, 4] };
let cache = new Map();

/** Return a custom property of the page; `forget` after the theme changed. */
export function colour(name) {
  if (!cache.has(name)) cache.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return cache.get(name);
}

export function forget() {
  cache = new Map();
}

/** Return the colour of the network at `index`; ink stands for itself, so the first is resolved by the theme. */
export function networkColour(index) {
  const found = colour(`look-${index}`);
  return found.startsWith("var(") || found === "" ? colour("ink") : found;
}

export const classColour = (index) => colour(`class-${index % 8}`);

export const dash = (name) => DASHES[name] ?? [];

/** Return red, green, blue of a colour like #0072b2. */
export function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

/** Fit a canvas to its place and return its context, scaled to CSS pixels, with width and height. */
export function pen(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width || !height) return null;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

export const FONT = "system-ui, sans-serif";
