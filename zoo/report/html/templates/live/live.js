// The live panel: draw, and every layer of a trained network is computed again.

// `data` has the networks by name, each with network, weights (one text, or several of a training run, whose points are named
// in steps), classes, mean and std of each channel, examples {label, pixels, size}, and how a drawing becomes the network's
// input: fit "digit" (scaled to 8x8, then by the matrix resize), "pad" (28x28 with a frame of zeros) or "canvas" (as it is).
function startLive(root, data, colourTables) {
  const colours = decodeColours(colourTables);
  const at = (name) => root.querySelector(`[data-part=${name}]`);
  const state = { data: null, weights: [], step: 0, off: new Set(), chosen: null, exact: null, hidden: null, outputs: [], input: null };
  let maps = [], pad = null, waiting = 0;
  // A slow network is computed when the pen rests.
  const drawn = (how) => {
    if (how === "cleared" || state.data.fit !== "canvas") state.exact = null;
    clearTimeout(waiting);
    if (Number(root.dataset.milliseconds) < SLOW_MILLISECONDS) compute(); else waiting = setTimeout(compute, 150);
  };

  const chooseNetwork = (name) => {
    state.data = data[name];
    state.weights = state.data.weights.map(decodeWeights);
    state.step = state.weights.length - 1;
    Object.assign(state, { off: new Set(), chosen: null, exact: null });
    const layers = at("layers"), size = state.data.fit === "canvas" ? state.data.network.image[0] : 28;
    if (!pad || pad.size !== size) { at("pad").replaceChildren(); pad = makePad(at("pad"), size, drawn); }
    maps = state.data.network.operations.map((operation, index) => (isShown(state.data.network, index) ? makeMaps(operation.shape, mapTitle(operation), colours, (row, column, unit) => { state.chosen = { index, at: [row, column, unit] }; show(); }) : null));
    layers.replaceChildren(...maps.filter(Boolean).map((one) => one.figure));
    // Beside many layers the drawing and the chosen value stay in view.
    root.classList.toggle("long", layers.childElementCount > MAX_LAYERS_IN_VIEW);
    fillExamples(at("examples"), state.data, (example) => { showExample(example); compute(); });
    fillSteps(at("steps"), state, compute);
    showExample(state.data.examples[3] ?? state.data.examples[0]);
    compute();
    // One value is explained from the beginning: the reader sees that there is something to choose.
    const first = maps.findIndex(Boolean);
    state.chosen = { index: first, at: placeOfLargest(state.outputs[first], state.data.network.operations[first].shape) };
    show();
  };

  const showExample = (example) => {
    state.exact = example ?? null;
    if (!example) pad.set(new Float32Array(pad.size ** 2));
    else if (state.data.fit === "canvas") pad.set(new Float32Array(pad.size ** 2), example.values);
    else pad.set(resizeExample(example));
  };

  const compute = () => {
    state.input = networkInput(state, pad.ink);
    const started = performance.now();
    state.outputs = forward(state.data.network, state.weights[state.step], state.input, state.off);
    root.dataset.milliseconds = (performance.now() - started).toFixed(1);
    show();
  };

  const show = () => {
    maps.forEach((one, index) => one && one.show(state.outputs[index], state.chosen && state.chosen.index === index ? state.chosen.at : null));
    showAnswer(at("answer"), at("bars"), state);
    showInspector(at("inspector"), state, compute);
    showField(at("field"), state);
    const box = fieldBox(state);
    pad.showBox(box && boxOnPad(box, state, pad));
  };

  at("clear").addEventListener("click", () => pad.clear());
  const hide = (hidden) => { state.hidden = hidden ? [10, 10] : null; at("occlude").checked = hidden; at("field").classList.toggle("movable", hidden); };
  at("restore").addEventListener("click", () => { state.off.clear(); hide(false); compute(); });
  at("occlude").addEventListener("change", ({ target }) => { hide(target.checked); compute(); });
  startOcclusion(at("field"), state, compute);
  const choices = [...root.querySelectorAll("[name=live-network]")];
  choices.forEach((choice) => choice.addEventListener("change", () => chooseNetwork(choice.value)));
  const checked = choices.find((choice) => choice.checked);
  chooseNetwork(checked ? checked.value : Object.keys(data)[0]);
  return { state, compute, colours, pad: () => pad };
}

const SLOW_MILLISECONDS = 50;
// Of more classes, the most probable ones are shown.
const MAX_BARS = 20;
const MAX_TERMS = 25;
const MAX_LAYERS_IN_VIEW = 12;

function placeOfLargest(values, [, width, depth]) {
  const place = values.indexOf(values.reduce((most, value) => Math.max(most, value)));
  return [Math.floor(place / (width * depth)), Math.floor(place / depth) % width, place % depth];
}

// A convolution's values are shown after their activation.
function isShown({ operations }, index) {
  const { kind } = operations[index], next = operations[index + 1];
  return kind !== "same" && !(next && next.kind === "relu" && next.inputs[0] === index);
}

function mapTitle({ kind, path, shape }) {
  const name = { max_pool: "max pooling", avg_pool: "average pooling", concatenate: "joined", global_avg_pool: "mean of each map" }[kind] ?? "";
  const size = shape[0] * shape[1] === 1 ? `${shape[2]} values` : `${shape[2]} maps of ${shape[0]}×${shape[1]}`;
  return `${[path, name].filter(Boolean).join(", ") || "activation"}: ${size}`;
}

// The network's input: the drawing or the exact example, scaled as in training, less the mean, over the deviation.
function networkInput({ data, exact, hidden }, ink) {
  const [side, , depth] = data.network.image;
  let values;
  if (data.fit === "digit") values = resizeBy(data.resize, exact ? exact.values : asSmallDigit(ink, 28));
  else if (data.fit === "pad") values = padded(exact ? exact.values : ink, 28, side);
  else values = withInk(exact ? exact.values : new Float32Array(side * side * depth), ink);
  if (hidden) hideSquare(values, data, hidden);
  return values.map((value, i) => (value - data.mean[i % depth]) / data.std[i % depth]);
}

function fillExamples(holder, data, chosen) {
  holder.replaceChildren(...data.examples.map((example) => {
    const button = element("button", { type: "button", title: example.label, "aria-label": `test image: ${example.label}` }), canvas = element("canvas", { width: example.size, height: example.size });
    example.values ??= Float32Array.from(atob(example.pixels), (letter) => letter.charCodeAt(0) / 255);
    canvas.getContext("2d").putImageData(imageOf(example.values, example.size), 0, 0);
    button.append(canvas);
    button.addEventListener("click", () => chosen(example));
    return button;
  }));
}

// An example on the pad: each pixel of the pad takes the nearest of the example.
function resizeExample({ values, size }) {
  return Float32Array.from({ length: 28 * 28 }, (_, i) => values[Math.floor((Math.floor(i / 28) * size) / 28) * size + Math.floor(((i % 28) * size) / 28)]);
}

function fillSteps(holder, state, changed) {
  const names = state.data.steps ?? [];
  holder.hidden = names.length < 2;
  const slider = holder.querySelector("input"), text = holder.querySelector("output");
  slider.max = names.length - 1;
  slider.value = state.step;
  const write = () => { text.textContent = names[state.step] ?? ""; slider.setAttribute("aria-valuetext", text.textContent); };
  slider.oninput = () => { state.step = Number(slider.value); write(); changed(); };
  write();
}

function showAnswer(text, bars, { data, outputs, off }) {
  const logits = outputs.at(-1), shares = softmax(logits), best = shares.indexOf(Math.max(...shares));
  const offText = off.size ? ` with ${off.size} ${off.size === 1 ? "part" : "parts"} switched off` : "";
  text.textContent = `The network says ${data.classes[best]}, ${(100 * shares[best]).toFixed(1)} %${offText}.`;
  const byProbability = [...shares.keys()].sort((one, other) => logits[other] - logits[one]);
  const shown = shares.length > MAX_BARS ? byProbability.slice(0, MAX_BARS) : [...shares.keys()];
  bars.replaceChildren(...shown.map((i) => {
    const row = element("tr", i === best ? { class: "best" } : {}), bar = element("td", { class: "bar-cell" }), fill = element("span", { class: "probability" });
    fill.style.width = `${100 * shares[i]}%`;
    bar.append(fill);
    row.append(element("th", { scope: "row" }, data.classes[i]), bar, element("td", { class: "num" }, `${(100 * shares[i]).toFixed(1)} %`), element("td", { class: "num" }, logits[i].toFixed(2)));
    return row;
  }));
}

// The value that was chosen: its window, products and sum, and switches for its unit and layer.
function showInspector(holder, state, changed) {
  const { chosen, data: { network }, outputs, weights, step, input, off } = state;
  if (!chosen) { holder.replaceChildren(element("p", { class: "note" }, "Choose a value of any map: its window, weights, products and sum are written here.")); return; }
  const [row, column, unit] = chosen.at, last = network.operations[chosen.index], isRelu = last.kind === "relu";
  const index = isRelu ? last.inputs[0] : chosen.index, operation = network.operations[index];
  const place = row * operation.shape[1] * operation.shape[2] + column * operation.shape[2] + unit;
  const explained = explainValue(network, weights[step], input, outputs, index, row, column, unit);
  const value = outputs[chosen.index][place], sum = explained.terms.reduce((all, one) => all + one.value * (one.weight ?? 0), explained.bias);
  const title = element("h4", {}, `${operation.path || mapTitle(operation).split(":")[0]}, unit ${unit}${operation.shape[0] > 1 ? `, row ${row}, column ${column}` : ""}: ${value.toFixed(4)}`);
  const made = [title, ...(operation.kernel ? weightedTables(explained, sum, isRelu) : [pooledLine(operation, explained, outputs[index][place], isRelu)])];
  if (off.has(`${chosen.index}`) || off.has(`${chosen.index}:${unit}`)) made.push(element("p", { class: "terms" }, "It is switched off, so what follows gets 0."));
  made.push(offSwitch(`unit ${unit} of this layer off`, `${chosen.index}:${unit}`, off, changed), offSwitch("the whole layer off", `${chosen.index}`, off, changed));
  holder.replaceChildren(...made);
}

function offSwitch(text, key, off, changed) {
  const label = element("label", { class: "off-switch" }), box = element("input", { type: "checkbox" });
  box.checked = off.has(key);
  box.addEventListener("change", () => { if (box.checked) off.add(key); else off.delete(key); changed(); });
  label.append(box, ` ${text}`);
  return label;
}

function weightedTables({ terms, bias }, sum, isRelu) {
  const depths = [...new Set(terms.map((one) => one.depth))], sums = depths.map((depth) => terms.filter((one) => one.depth === depth).reduce((all, one) => all + one.value * one.weight, 0));
  const steepest = depths.length > 20 ? depths.map((depth, i) => [depth, sums[i]]).sort((one, other) => Math.abs(other[1]) - Math.abs(one[1])).slice(0, 12) : depths.map((depth, i) => [depth, sums[i]]);
  const line = element("p", { class: "terms" }, `${terms.length} products: ${steepest.map(([depth, part]) => `${depths.length > 1 ? `input ${depth}: ` : ""}${part.toFixed(3)}`).join(" + ")}${steepest.length < depths.length ? " + the others" : ""} + bias ${bias.toFixed(3)} = ${sum.toFixed(4)}${isRelu ? `, after ReLU ${Math.max(0, sum).toFixed(4)}` : ""}`.replaceAll("+ -", "− ").replaceAll("-", "−"));
  if (terms.length === depths.length) return [line];
  const most = depths[sums.map(Math.abs).indexOf(Math.max(...sums.map(Math.abs)))], own = terms.filter((one) => one.depth === most), side = Math.sqrt(own.length);
  const rows = (read) => Array.from({ length: side }, (_, i) => own.slice(i * side, (i + 1) * side).map((one) => Number(read(one).toFixed(2))));
  const tables = element("div", { class: "grids scroll", tabindex: "0", role: "region", "aria-label": "window, weights and products" });
  const of = depths.length > 1 ? ` of input ${most}, which adds most` : "";
  tables.append(plainTable(rows((one) => one.value), `window${of}`), plainTable(rows((one) => one.weight), "weights"), plainTable(rows((one) => one.value * one.weight), "products"));
  return [tables, line];
}

function pooledLine({ kind }, { terms }, value, isRelu) {
  const name = { max_pool: "max", avg_pool: "mean", global_avg_pool: "mean" }[kind] ?? "value";
  const largest = terms.length > MAX_TERMS ? [...terms].sort((one, other) => Math.abs(other.value) - Math.abs(one.value)).slice(0, 8) : terms;
  const others = largest.length < terms.length ? `, and ${terms.length - largest.length} more` : "";
  return element("p", { class: "terms" }, `${name}(${largest.map((one) => one.value.toFixed(3)).join(", ")}${others}) = ${value.toFixed(3)}${isRelu ? `, after ReLU ${Math.max(0, value).toFixed(3)}` : ""}`.replaceAll("-", "−"));
}

function plainTable(rows, caption) {
  const table = element("table", { class: "grid small" });
  table.append(element("caption", {}, caption));
  for (const line of rows) {
    const row = element("tr");
    line.forEach((value) => row.append(element("td", {}, String(value).replace("-", "−"))));
    table.append(row);
  }
  return table;
}
