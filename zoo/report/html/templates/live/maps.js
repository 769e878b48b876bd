// The maps of one operation on one canvas; a value is chosen by mouse, touch or arrow keys.

const MAP_GAP = 1;
// In none of the tables of colours.
const CHOSEN_COLOUR = "#ff00ff";

// A vector is drawn as rows of squares; very many maps as a square of maps.
function layoutOf([height, width, depth]) {
  const vector = height * width === 1, columns = vector ? Math.max(Math.min(depth, 20), Math.ceil(Math.sqrt(depth))) : depth > 64 ? Math.ceil(Math.sqrt(depth)) : Math.min(depth, 8);
  const tile = vector ? [1, 1] : [height, width], gap = vector ? 0 : MAP_GAP;
  const rows = Math.ceil(depth / columns);
  return { columns, rows, tile, gap, height: rows * (tile[0] + gap) - gap, width: columns * (tile[1] + gap) - gap, depth };
}

function makeMaps(shape, title, colours, chosen) {
  const layout = layoutOf(shape), canvas = element("canvas", {
    width: layout.width, height: layout.height, class: "maps", tabindex: "0", role: "application", "aria-roledescription": "maps",
    "aria-label": `${title}: ${shape.join(" by ")} values; arrow keys choose one`,
  });
  canvas.style.aspectRatio = layout.width / layout.height;
  const figure = labelledMaps(canvas, title);
  let at = [0, 0, 0], values = null, selected = false;
  const origin = (unit) => [Math.floor(unit / layout.columns) * (layout.tile[0] + layout.gap), (unit % layout.columns) * (layout.tile[1] + layout.gap)];
  const paint = () => {
    if (!values) return;
    const context = canvas.getContext("2d"), image = context.createImageData(layout.width, layout.height);
    const pixels = new Uint32Array(image.data.buffer), shades = coloured(values, colours), [tall, wide] = layout.tile;
    for (let unit = 0; unit < layout.depth; unit++) {
      const [top, left] = origin(unit);
      for (let y = 0; y < tall; y++) for (let x = 0; x < wide; x++) pixels[(top + y) * layout.width + left + x] = shades[(y * wide + x) * layout.depth + unit];
    }
    context.putImageData(image, 0, 0);
    if (!selected) return;
    const [top, left] = origin(at[2]);
    context.fillStyle = CHOSEN_COLOUR;
    context.fillRect(left + at[1], top + at[0], 1, 1);
  };
  const choose = (row, column, unit) => {
    at = [Math.min(shape[0] - 1, Math.max(0, row)), Math.min(shape[1] - 1, Math.max(0, column)), Math.min(shape[2] - 1, Math.max(0, unit))];
    chosen(...at);
  };
  canvas.addEventListener("pointerdown", (event) => {
    const frame = canvas.getBoundingClientRect();
    const y = Math.floor(((event.clientY - frame.top) / frame.height) * layout.height), x = Math.floor(((event.clientX - frame.left) / frame.width) * layout.width);
    const [tall, wide] = layout.tile.map((side) => side + layout.gap), unit = Math.floor(y / tall) * layout.columns + Math.floor(x / wide);
    if (unit < layout.depth) choose(y % tall, x % wide, unit);
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0, 0], ArrowDown: [1, 0, 0], ArrowLeft: [0, -1, 0], ArrowRight: [0, 1, 0], PageUp: [0, 0, -1], PageDown: [0, 0, 1] }[event.key];
    if (!step) return;
    const vector = shape[0] * shape[1] === 1, unitStep = vector ? step[0] * layout.columns + step[1] + step[2] : step[2];
    choose(...(vector ? [0, 0, at[2] + unitStep] : at.map((value, i) => value + step[i])));
    event.preventDefault();
  });
  return {
    figure,
    show: (newValues, mark) => { values = newValues; selected = Boolean(mark); if (mark) at = mark; paint(); },
  };
}

function labelledMaps(canvas, title) {
  const figure = element("figure", { class: "layer-maps" });
  figure.append(canvas, element("figcaption", {}, title));
  return figure;
}
