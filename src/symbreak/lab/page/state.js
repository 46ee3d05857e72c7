// The state: what a link holds. What a key means that is left out, the server says (/choices.json).

let known = null;

export async function learn() {
  known = await (await fetch("choices.json")).json();
  return known;
}

/** Return a state with every key. */
export function whole(state) {
  const networks = state.networks ?? known.state.networks;
  return { ...known.state, ...state, networks: networks.map((one) => ({ ...known.network, ...one })) };
}

/** Return a state without the keys that have their default. */
export function compact(state) {
  const left = { v: 1 };
  for (const [key, value] of Object.entries(state)) {
    if (key === "v" || key === "networks" || same(value, known.state[key])) continue;
    left[key] = value;
  }
  const networks = state.networks.map((one) => {
    const kept = Object.entries(one).filter(([key, value]) => key === "init" || !same(value, known.network[key]));
    return Object.fromEntries(kept);
  });
  if (!same(whole({ networks }).networks, known.state.networks)) left.networks = networks;
  return left;
}

function same(one, other) {
  if (one === null || other === null || typeof one !== "object" || typeof other !== "object") return one === other;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => same(one[key], other[key]));
}

/** Return the text of a link's fragment. */
export function encoded(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(compact(state)));
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Return the state of a link's fragment; null if it holds none. */
export function decoded(fragment) {
  const text = fragment.replace(/^#/, "");
  if (!text) return null;
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (letter) => letter.charCodeAt(0))));
}
