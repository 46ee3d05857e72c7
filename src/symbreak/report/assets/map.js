(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("map-data").textContent);
  const [rows, columns] = data.shape;
  const field = byId("field");
  const canvas = byId("cells");

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const unpacked = (name, kind) => new kind(bytes(data[name]).buffer);
  const cost = unpacked("cost", Float64Array);
  const accuracy = unpacked("accuracy", Float64Array);
  const step = unpacked("step", Int32Array);
  const units = unpacked("units", Int32Array);
  // One number where all networks have as many.
  const hidden = unpacked("hidden", Int32Array);
  const outcomes = bytes(data.shades.diverged);

  const rgba = data.colours.map((hex) => [1, 3, 5, 7].map((i) => parseInt(hex.slice(i, i + 2) || "ff", 16)));

  // Row 0 is the lowest, a picture's first line the highest.
  const paint = (name) => {
    const shades = bytes(data.shades[name]);
    const image = new ImageData(columns, rows);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        image.data.set(rgba[shades[i * columns + j]], 4 * ((rows - 1 - i) * columns + j));
      }
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    for (const scale of document.querySelectorAll("[data-scale-of]")) scale.hidden = scale.dataset.scaleOf !== name;
    for (const button of document.querySelectorAll("[data-value]")) {
      button.setAttribute("aria-pressed", String(button.dataset.value === name));
    }
  };
  for (const button of document.querySelectorAll("[data-value]")) {
    button.addEventListener("click", () => paint(button.dataset.value));
  }
  paint(document.querySelector("[data-value]").dataset.value);

  const number = (value) => {
    if (value === 0) return "0";
    const [digits, power] = value.toExponential(2).split("e").map(Number);
    return power < -4 || power >= 6 ? `${digits.toFixed(2)}e${power}` : String(Number(value.toPrecision(3)));
  };
  const share = (value) => `${Number((100 * value).toFixed(1))}%`;

  const verdict = (k) => {
    if (outcomes[k] === data.codes.untrained) return "not trained yet";
    if (outcomes[k] === data.codes.diverged) return `diverges at step ${step[k]}`;
    if (step[k] >= 0) return `reaches half of the base-rate cost in ${step[k]} steps`;
    return "does not reach half of the base-rate cost";
  };
  const terms = (k, i, j) => {
    const found = [
      [data.x.title, data.x.short[j]],
      [data.y.title, data.y.short[i]],
    ];
    if (Number.isFinite(cost[k])) found.push(["final cost", number(cost[k])]);
    if (Number.isFinite(accuracy[k])) {
      found.push([data.score, data.score === "accuracy" ? share(accuracy[k]) : number(accuracy[k])]);
    }
    const all = hidden[k] ?? hidden[0];
    if (units[k] >= 0 && all > 0) found.push(["effective units", `${units[k]} of ${all}`]);
    return found;
  };
  const tell = (i, j) => {
    const k = i * columns + j;
    const said = document.createElement("p");
    said.className = "verdict";
    said.textContent = verdict(k);
    const list = document.createElement("dl");
    for (const [name, value] of terms(k, i, j)) {
      for (const [tag, text] of [["dt", name], ["dd", value]]) {
        list.append(Object.assign(document.createElement(tag), { textContent: text }));
      }
    }
    byId("reading").replaceChildren(said, list);
  };

  const command = (i, j) => {
    const parts = data.commands;
    if (!parts) return data.point[0] + data.x.text[j] + data.point[1] + data.y.text[i] + data.point[2];
    const options = { ...parts.rest, ...parts.columns[j], ...parts.rows[i] };
    return [parts.head, ...parts.order.map((name) => options[name]).filter(Boolean)].join(" ");
  };

  // Boxes are in cells: rows and columns from, and to, the last included.
  const lay = (box, { top, bottom, left, right }) => {
    const percent = (value) => `${100 * value}%`;
    Object.assign(box.style, {
      left: percent(left / columns),
      width: percent((right - left + 1) / columns),
      bottom: percent(bottom / rows),
      height: percent((top - bottom + 1) / rows),
    });
    box.hidden = false;
  };

  let cell = null;
  let kept = null;
  let anchor = null;
  const move = (i, j) => {
    cell = [i, j];
    lay(byId("cursor"), { top: i, bottom: i, left: j, right: j });
    tell(i, j);
  };
  const keep = () => {
    kept = cell;
    byId("command-one").textContent = command(...kept);
    byId("one").hidden = false;
  };
  const release = () => {
    anchor = null;
    byId("window").hidden = true;
    byId("zoom").hidden = true;
  };
  const choose = (from, to) => {
    const [bottom, top] = [from[0], to[0]].sort((a, b) => a - b);
    const [left, right] = [from[1], to[1]].sort((a, b) => a - b);
    lay(byId("window"), { top, bottom, left, right });
    const ends = [data.x.text[left], data.x.text[right], data.y.text[bottom], data.y.text[top]];
    byId("command-zoom").textContent = data.window[0] + ends.map((end, n) => end + data.window[n + 1]).join("");
    byId("zoom").hidden = false;
  };

  const under = (event) => {
    const box = field.getBoundingClientRect();
    const inside = (share, count) => Math.max(0, Math.min(count - 1, Math.floor(share * count)));
    const j = inside((event.clientX - box.left) / box.width, columns);
    return [inside((box.bottom - event.clientY) / box.height, rows), j];
  };
  const same = (one, other) => one[0] === other[0] && one[1] === other[1];

  const finger = (event) => event.pointerType === "touch";
  let pressed = null;
  field.addEventListener("pointerdown", (event) => {
    pressed = under(event);
    // A finger scrolls the page; a mouse may leave the map while it draws a window.
    if (!finger(event)) field.setPointerCapture(event.pointerId);
  });
  field.addEventListener("pointermove", (event) => {
    const here = under(event);
    move(...here);
    if (pressed && event.buttons && !finger(event) && !same(pressed, here)) choose(pressed, here);
  });
  field.addEventListener("pointerup", (event) => {
    const here = under(event);
    if (pressed && same(pressed, here)) {
      release();
      move(...here);
      keep();
    }
    pressed = null;
  });
  field.addEventListener("pointercancel", () => (pressed = null));
  field.addEventListener("pointerleave", () => {
    // What was kept is told again when the pointer is gone.
    if (kept && !pressed) move(...kept);
  });

  const steps = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  field.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (event.key === "Enter" && cell) keep();
    if (event.key === "Escape") release();
    if (!step) return;
    event.preventDefault();
    const from = cell ?? [Math.floor(rows / 2), Math.floor(columns / 2)];
    const far = event.ctrlKey ? 10 : 1;
    const limit = (value, count) => Math.max(0, Math.min(count - 1, value));
    const to = cell ? [limit(from[0] + far * step[0], rows), limit(from[1] + far * step[1], columns)] : from;
    if (event.shiftKey) anchor ??= from;
    move(...to);
    if (event.shiftKey && !same(anchor, to)) choose(anchor, to);
    if (!event.shiftKey) release();
  });
})();
