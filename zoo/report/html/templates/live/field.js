// What the network gets, with the receptive field of the chosen value, also on the drawing; and a square that hides a part.

const FIELD_COLOUR = "#ffb000";
const hiddenSide = (side) => Math.max(4, Math.round(side / 4));

// The receptive field of the chosen value in the network's input: [[top, height], [left, width]], or null.
function fieldBox({ data: { network }, chosen }) {
  if (!chosen) return null;
  const { field } = network.operations[chosen.index], whole = [0, network.image[0]];
  return field ? field.axes.map((axis, i) => (axis ? [axis[0] + axis[2] * chosen.at[i], axis[1]] : whole)) : [whole, whole];
}

// The same box on the pad, where a digit is drawn at any place and size before it is scaled.
function boxOnPad(box, { data, exact }, pad) {
  const side = data.network.image[0];
  let scale = 1, offset = [0, 0];
  if (data.fit === "pad") offset = [0, 1].map(() => -Math.floor((side - pad.size) / 2));
  if (data.fit === "digit") {
    const { extent, first } = exact ? { extent: pad.size, first: [0, 0] } : digitFrame(pad.ink, pad.size);
    [scale, offset] = [extent / side, first];
  }
  return box.map(([start, length], i) => [offset[i] + scale * start, scale * length]);
}

function hideSquare(values, { network: { image: [side, , depth] }, mean }, [top, left]) {
  const extent = hiddenSide(side);
  for (let i = 0; i < extent; i++) for (let j = 0; j < extent; j++) values.set(mean, ((top + i) * side + left + j) * depth);
}

function showField(canvas, state) {
  const { data, input, hidden } = state, [side, , depth] = data.network.image, context = canvas.getContext("2d"), box = fieldBox(state);
  Object.assign(canvas, { width: side, height: side });
  context.putImageData(imageOf(input.map((value, i) => value * data.std[i % depth] + data.mean[i % depth]), side), 0, 0);
  const extent = hiddenSide(side) - 1;
  if (hidden) { context.strokeStyle = "#6bb5ff"; context.strokeRect(hidden[1] + 0.5, hidden[0] + 0.5, extent, extent); }
  if (!box) return;
  context.strokeStyle = FIELD_COLOUR;
  context.strokeRect(box[1][0] + 0.5, box[0][0] + 0.5, Math.max(1, box[1][1] - 1), Math.max(1, box[0][1] - 1));
}

// With occlusion on, the square follows the pointer or the arrow keys.
function startOcclusion(canvas, state, changed) {
  const move = (y, x) => { if (state.hidden) { const most = canvas.height - hiddenSide(canvas.height); state.hidden = [y, x].map((value) => Math.min(most, Math.max(0, Math.round(value)))); changed(); } };
  for (const name of ["pointerdown", "pointermove"]) canvas.addEventListener(name, (event) => {
    const frame = canvas.getBoundingClientRect();
    move(((event.clientY - frame.top) / frame.height) * canvas.height - hiddenSide(canvas.height) / 2, ((event.clientX - frame.left) / frame.width) * canvas.width - hiddenSide(canvas.width) / 2);
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step || !state.hidden) return;
    move(state.hidden[0] + step[0], state.hidden[1] + step[1]);
    event.preventDefault();
  });
}
