// What leaves the page and what comes in: links, pictures, runs, commands, tables.

import { el, find, download } from "./dom.js";
import { colour, FONT, networkColour } from "./look.js";

const MOST_BYTES = 2 ** 20;

export function files(lab) {
  find("share").addEventListener("click", async () => {
    lab.address();
    await copy(location.origin + location.pathname + location.hash, find("share"));
    if (lab.state.data === "own") lab.error("A link does not hold your own data: save the run and share the file.");
  });
  find("picture").addEventListener("click", () => picture(lab));
  find("save").addEventListener("click", () => lab.say({ do: "save" }));
  find("command").addEventListener("click", () => lab.say({ do: "command", network: 0 }));
  find("load").addEventListener("click", () => find("load-file").click());
  find("load-file").addEventListener("change", async () => {
    await load(lab, find("load-file").files[0]);
    find("load-file").value = "";
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) taken(lab, file);
  });
  return { saved, command: (message) => command(lab, message), taken: (file, target) => taken(lab, file, target) };
}

function saved(run) {
  download("symbreak-run.json", new Blob([JSON.stringify(run, null, 1)], { type: "application/json" }));
}

async function load(lab, file) {
  if (!file) return;
  try {
    lab.say({ do: "load", run: JSON.parse(await read(file)) });
  } catch (error) {
    lab.error(`${file.name} could not be loaded: ${error.message}`);
  }
}

async function read(file) {
  if (file.size > MOST_BYTES) throw new Error("it is larger than 1 MiB");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error("it is not UTF-8 text; save it as CSV UTF-8");
  }
}

/** Take a file that was dropped or picked: a saved run, or a table. */
async function taken(lab, file, target) {
  if (file.name.endsWith(".json")) return load(lab, file);
  try {
    const text = await read(file);
    lab.say({ do: "csv", text, target: target || lastColumn(text) });
  } catch (error) {
    lab.error(`${file.name} could not be read: ${error.message}`);
  }
}

/** Return the last name in the header of a table. */
function lastColumn(text) {
  const header = text.split(/\r?\n/, 1)[0];
  const name = /(?:^|[,;\t])("(?:[^"]|"")*"|[^,;\t]*)$/.exec(header)?.[1] ?? "";
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.trim();
}

export async function copy(text, button) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Press Ctrl-C";
  }
  setTimeout(() => (button.textContent = label), 1500);
}

function command(lab, message) {
  const dialog = find("command-dialog");
  const text = el("code", {}, message.text);
  const button = el("button", { type: "button", onclick: () => copy(message.text, button) }, "Copy");
  const which = el("select", { onchange: () => lab.say({ do: "command", network: Number(which.value) }) },
    ...lab.state.networks.map((one, k) => el("option", { value: String(k) }, `${k + 1}: ${one.init}`)));
  which.value = String(message.network);
  dialog.replaceChildren(
    el("h2", { id: "command-title" }, message.kind === "shell" ? "The command that makes this network again" : "The Python program that makes this network again"),
    el("label", { class: "pick" }, "Network ", which),
    el("div", { class: "command" }, el("pre", { tabindex: "0" }, text), button),
    el("form", { method: "dialog" }, el("button", {}, "Close")),
  );
  if (!dialog.open) dialog.showModal();
}

function picture(lab) {
  const [margin, side, gap, head] = [24, 420, 16, 96];
  const columns = lab.cards.map((card) => card.pictures);
  const shape = (canvas) => (canvas?.width ? canvas.height / canvas.width : 0);
  const rows = Array.from({ length: Math.max(...columns.map((column) => column.length)) }, (_, row) =>
    Math.round(side * Math.max(...columns.map((column) => shape(column[row])))));
  const tops = rows.map((_, row) => margin + head + rows.slice(0, row).reduce((sum, tall) => sum + tall + gap, 0));
  const below = tops.at(-1) + rows.at(-1) + gap;
  const across = columns.length * (side + gap) - gap;
  const foot = Math.round(across * shape(find("chart")));
  const sheet = el("canvas", { width: String(2 * margin + across), height: String(below + foot + 2 * margin) });
  const pen = sheet.getContext("2d");
  pen.fillStyle = colour("paper");
  pen.fillRect(0, 0, sheet.width, sheet.height);
  lab.cards.forEach((card, k) => {
    const left = margin + k * (side + gap);
    heading(pen, card, left, margin, side);
    columns[k].forEach((canvas, row) => contain(pen, canvas, left, tops[row], side, rows[row]));
  });
  contain(pen, find("chart"), margin, below, across, foot);
  pen.fillText(`symbreak lab, step ${lab.t}`, margin, sheet.height - 10);
  sheet.toBlob((blob) => blob && download(`symbreak-lab-${lab.t}.png`, blob), "image/png");
}

function heading(pen, card, left, top, width) {
  pen.fillStyle = networkColour(card.index);
  pen.fillRect(left, top + 3, 18, 18);
  pen.fillStyle = colour("ink");
  pen.font = `600 22px ${FONT}`;
  pen.fillText(card.init.value, left + 28, top + 20, width - 28);
  pen.font = `16px ${FONT}`;
  pen.fillText(`units really different: ${card.effective.textContent}; cost ${card.cost.textContent}`, left, top + 50, width);
  if (card.frame?.merged) pen.fillText(card.twins.words.textContent, left, top + 76, width);
}

function contain(pen, canvas, left, top, width, height) {
  if (!canvas.width || !canvas.height) return;
  const scale = Math.min(width / canvas.width, height / canvas.height);
  pen.drawImage(canvas, left, top, canvas.width * scale, canvas.height * scale);
}
