// The plane: what a network answers there, and the data.

import { classColour, colour, FONT, pen, rgb } from "./look.js";

const SIDE = 48;
const HALF = 128; // the shade of an answer of one half

/** Return the bytes of a picture that came as base64. */
export function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Draw the answers and the data of a network on a canvas. */
export function drawBoundary(canvas, picture, data) {
  const drawing = pen(canvas);
  if (!drawing || !data) return;
  const { context, width, height } = drawing;
  if (!picture || !data.y_range) {
    context.fillStyle = colour("muted");
    context.font = `14px ${FONT}`;
    context.textAlign = "center";
    context.fillText(`${data.X.length} inputs: no plane to draw`, width / 2, height / 2, width - 16);
    return;
  }
  const shades = bytes(picture.shades);
  const many = data.task === "multi-class";
  context.imageSmoothingEnabled = !many;
  context.drawImage(shaded(shades, many, picture.span), 0, 0, width, height);
  if (!many) contour(context, shades, width, height);
  context.drawImage(dots(data, width, height), 0, 0, width, height);
  if (picture.same) label(context, width < 220 ? "same everywhere" : "the same answer everywhere", width, height);
}

const small = new OffscreenCanvas(SIDE, SIDE);

function label(context, text, width, height) {
  context.font = `600 14px ${FONT}`;
  context.textAlign = "center";
  const wide = Math.min(width - 8, context.measureText(text).width + 16);
  context.fillStyle = colour("paper");
  context.fillRect((width - wide) / 2, height - 25, wide, 21);
  context.fillStyle = colour("ink");
  context.fillText(text, width / 2, height - 10, width - 16);
}

function shaded(shades, many, span) {
  const context = small.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  const [low, high, paper] = [rgb(classColour(0)), rgb(classColour(1)), rgb(colour("paper"))];
  for (let k = 0; k < shades.length; k++) {
    const row = SIDE - 1 - Math.floor(k / SIDE);
    const at = 4 * (row * SIDE + (k % SIDE));
    const far = many ? 0.45 : (2 * 0.62 * span * Math.abs(shades[k] - HALF)) / 127;
    const full = many ? rgb(classColour(shades[k])) : shades[k] < HALF ? low : high;
    for (let c = 0; c < 3; c++) image.data[at + c] = paper[c] + far * (full[c] - paper[c]);
    image.data[at + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return small;
}

// The line where the answer is one half: in every cell of the grid from edge to edge.
function contour(context, shades, width, height) {
  const [across, up] = [width / SIDE, height / SIDE];
  const value = (i, j) => shades[j * SIDE + i] - HALF;
  context.beginPath();
  for (let j = 0; j + 1 < SIDE; j++) {
    for (let i = 0; i + 1 < SIDE; i++) {
      const side = value(i, j) > 0;
      if (side === value(i + 1, j) > 0 && side === value(i + 1, j + 1) > 0 && side === value(i, j + 1) > 0) continue;
      const corners = [value(i, j), value(i + 1, j), value(i + 1, j + 1), value(i, j + 1)];
      const at = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
      const crossed = [];
      for (let k = 0; k < 4; k++) {
        const [a, b] = [corners[k], corners[(k + 1) % 4]];
        if (a > 0 === b > 0) continue;
        const share = a / (a - b);
        const next = at[(k + 1) % 4];
        crossed.push([at[k][0] + share * (next[0] - at[k][0]), at[k][1] + share * (next[1] - at[k][1])]);
      }
      for (let k = 0; k + 1 < crossed.length; k += 2) {
        context.moveTo((crossed[k][0] + 0.5) * across, height - (crossed[k][1] + 0.5) * up);
        context.lineTo((crossed[k + 1][0] + 0.5) * across, height - (crossed[k + 1][1] + 0.5) * up);
      }
    }
  }
  context.strokeStyle = colour("ink");
  context.lineWidth = 2;
  context.stroke();
}

const drawn = new WeakMap();

// The data does not move: it is drawn once for each size and theme.
function dots(data, width, height) {
  const key = `${width} ${height} ${colour("ink")} ${window.devicePixelRatio}`;
  const kept = drawn.get(data);
  if (kept?.key === key) return kept.picture;
  const ratio = window.devicePixelRatio || 1;
  const picture = new OffscreenCanvas(Math.round(width * ratio), Math.round(height * ratio));
  const context = picture.getContext("2d");
  context.scale(ratio, ratio);
  const [x, y] = [data.x_range, data.y_range];
  const size = data.Y.length > 600 ? 1.6 : Math.max(1.8, Math.min(3, width / 110));
  const [least, most] = [Math.min(...data.Y), Math.max(...data.Y)];
  data.Y.forEach((label, k) => {
    const px = ((data.X[0][k] - x[0]) / (x[1] - x[0])) * width;
    const py = height - ((data.X[1][k] - y[0]) / (y[1] - y[0])) * height;
    const kind = data.task === "regression" ? Number(label > (least + most) / 2) : label;
    mark(context, kind, px, py, size);
  });
  drawn.set(data, { key, picture });
  return picture;
}

/** Draw a point of a class: the classes differ in shape, too. */
export function mark(context, kind, x, y, size) {
  context.fillStyle = classColour(kind);
  context.strokeStyle = "#ffffff";
  context.lineWidth = size < 2.2 ? 0.35 : 0.7;
  context.beginPath();
  if (kind % 3 === 0) context.arc(x, y, size, 0, 7);
  else if (kind % 3 === 1) {
    context.moveTo(x, y - 1.35 * size);
    context.lineTo(x + 1.25 * size, y + 0.9 * size);
    context.lineTo(x - 1.25 * size, y + 0.9 * size);
    context.closePath();
  } else context.rect(x - 0.9 * size, y - 0.9 * size, 1.8 * size, 1.8 * size);
  context.fill();
  context.stroke();
}
