// A pad to draw on, by mouse, finger or keyboard: white ink from 0 to 1 on a square of pixels, row by row, over a picture.

// Radius of the brush, and step of the arrow keys, in pixels of a pad of 28 by 28.
const BRUSH = 1.3;
const PEN_STEP = 1;

function makePad(root, size, changed) {
  const canvas = element("canvas", {
    width: size, height: size, class: "pad", tabindex: "0", role: "application", "aria-roledescription": "drawing pad",
    "aria-label": `Drawing pad of ${size} by ${size} pixels. Arrow keys move the pen, the space bar draws, Backspace clears.`,
  });
  const frame = element("div", { class: "pad-frame" }), box = element("span", { class: "field-box", hidden: "" });
  frame.append(canvas, box);
  root.append(frame);
  const ink = new Float32Array(size * size), brush = (BRUSH * size) / 28, penStep = Math.max(1, Math.round((PEN_STEP * size) / 28)), reach = brush + 1.7;
  let pen = [size / 2, size / 2], last = null, picture = null;
  const paint = () => {
    const context = canvas.getContext("2d");
    context.putImageData(imageOf(picture ? withInk(picture, ink) : ink, size), 0, 0);
    if (document.activeElement === canvas && canvas.matches(":focus-visible")) { context.fillStyle = "#ffb000"; context.fillRect(Math.floor(pen[1]), Math.floor(pen[0]), penStep, penStep); }
  };
  const dab = (y, x) => {
    for (let i = Math.max(0, Math.floor(y - reach)); i < Math.min(size, y + reach); i++) for (let j = Math.max(0, Math.floor(x - reach)); j < Math.min(size, x + reach); j++) {
      const far = Math.hypot(i + 0.5 - y, j + 0.5 - x);
      ink[i * size + j] = Math.max(ink[i * size + j], Math.min(1, Math.max(0, brush + 0.5 - far)));
    }
  };
  const stroke = (y, x) => {
    const [fromY, fromX] = last ?? [y, x], steps = Math.max(1, Math.ceil(2 * Math.hypot(y - fromY, x - fromX)));
    for (let i = 0; i <= steps; i++) dab(fromY + ((y - fromY) * i) / steps, fromX + ((x - fromX) * i) / steps);
    last = [y, x];
    paint();
    changed("drawn");
  };
  // A frame over the drawing, [[top, height], [left, width]] in pixels of the pad, or null.
  const showBox = (sides) => {
    box.hidden = !sides;
    if (sides) ["top", "height", "left", "width"].forEach((name, i) => { box.style[name] = `${(100 * sides[i >> 1][i % 2]) / size}%`; });
  };
  const place = (event) => {
    const frame = canvas.getBoundingClientRect();
    return [((event.clientY - frame.top) / frame.height) * size, ((event.clientX - frame.left) / frame.width) * size];
  };
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); last = null; stroke(...place(event)); event.preventDefault(); });
  canvas.addEventListener("pointermove", (event) => canvas.hasPointerCapture(event.pointerId) && stroke(...place(event)));
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (step) {
      pen = pen.map((value, i) => Math.min(size - 0.5, Math.max(0.5, Math.floor(value) + 0.5 + penStep * step[i])));
      if (event.shiftKey) stroke(...pen); else { last = null; paint(); }
    } else if (event.key === " ") { last = null; stroke(...pen); } else if (event.key === "Backspace") clear(); else return;
    event.preventDefault();
  });
  for (const event of ["focus", "blur"]) canvas.addEventListener(event, paint);
  const set = (values, behind = null) => { ink.set(values); picture = behind; last = null; paint(); };
  const clear = () => { set(new Float32Array(size * size)); changed("cleared"); };
  paint();
  return { ink, size, set, clear, showBox };
}

// Values 0 to 1 of a square, grey or in colour, as the image of a canvas.
function imageOf(values, size) {
  const image = new ImageData(size, size), depth = values.length / size ** 2;
  for (let i = 0; i < size * size; i++) {
    const colour = [0, 1, 2].map((channel) => 255 * values[i * depth + Math.min(channel, depth - 1)]);
    image.data.set([...colour, 255], 4 * i);
  }
  return image;
}

// White ink over a picture of any depth.
function withInk(picture, ink) {
  const depth = picture.length / ink.length;
  return picture.map((value, i) => value + ink[Math.floor(i / depth)] * (1 - value));
}

// A square of values resized by a matrix [to, from] on both axes.
function resizeBy(matrix, values) {
  const to = matrix.length, from = matrix[0].length, half = new Float32Array(to * from), output = new Float32Array(to * to);
  for (let i = 0; i < to; i++) for (let j = 0; j < from; j++) for (let k = 0; k < from; k++) half[i * from + j] += matrix[i][k] * values[k * from + j];
  for (let i = 0; i < to; i++) for (let j = 0; j < to; j++) for (let k = 0; k < from; k++) output[i * to + j] += half[i * from + k] * matrix[j][k];
  return output;
}

// The drawing's box [top, left, bottom, right), or null without ink.
function inkBox(ink, size) {
  const drawn = [...ink.keys()].filter((i) => ink[i] > 0.1);
  if (!drawn.length) return null;
  const rows = drawn.map((i) => Math.floor(i / size)), columns = drawn.map((i) => i % size);
  return [Math.min(...rows), Math.min(...columns), Math.max(...rows) + 1, Math.max(...columns) + 1];
}

// The square around the drawing that is scaled: its side, and where it begins [row, column]; all of the pad without ink.
function digitFrame(ink, size) {
  const box = inkBox(ink, size);
  if (!box) return { extent: size, first: [0, 0] };
  const [top, left, bottom, right] = box, extent = Math.max(bottom - top, right - left);
  return { extent, first: [(top + bottom - extent) / 2, (left + right - extent) / 2] };
}

// The drawing as the digits of UCI's collection: its box fills the height of 8 pixels, each the mean of what it covers.
function asSmallDigit(ink, size, side = 8) {
  const output = new Float32Array(side * side), { extent, first: [firstRow, firstColumn] } = digitFrame(ink, size);
  const cell = extent / side, parts = 6;
  for (let i = 0; i < side; i++) for (let j = 0; j < side; j++) {
    for (let a = 0; a < parts; a++) for (let b = 0; b < parts; b++) {
      const row = Math.floor(firstRow + (i + (a + 0.5) / parts) * cell), column = Math.floor(firstColumn + (j + (b + 0.5) / parts) * cell);
      if (row >= 0 && column >= 0 && row < size && column < size) output[i * side + j] += ink[row * size + column] / parts ** 2;
    }
  }
  return output;
}

// Zeros around a square.
function padded(values, from, to) {
  const output = new Float32Array(to * to), first = Math.floor((to - from) / 2);
  for (let i = 0; i < from; i++) output.set(values.subarray(i * from, (i + 1) * from), (i + first) * to + first);
  return output;
}
