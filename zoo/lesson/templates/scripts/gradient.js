// One weight of the first convolution: its gradient for the drawing and a label, as the sum of products that it is.

function startGradient(root, live) {
  const label = root.querySelector("select[name=label]"), unit = root.querySelector("select[name=unit]"), stage = root.querySelector(".stage"), terms = root.querySelector(".terms");
  const button = root.querySelector("button");
  const pictures = { "what the weight sees": (one) => one.value, "gradient of each output": (one) => one.gradient, "products": (one) => one.value * one.gradient };
  let tap = [2, 2];
  const show = () => {
    const { data: { network, classes }, weights, step, input, outputs } = live.state, now = weights[step];
    if (label.length !== classes.length || label.options[0].textContent !== classes[0]) fillChoices(label, classes);
    const gradients = backward(network, now, input, outputs, label.selectedIndex), filter = unit.selectedIndex;
    const [side] = network.operations[0].window.size, filters = network.operations[0].shape[2];
    const weightAt = ([i, j]) => now[network.operations[0].kernel[0] + (i * side + j) * filters + filter];
    const { terms: products, sum } = weightGradient(network, input, outputs, gradients, 0, [...tap, 0, filter]);
    const width = network.operations[0].shape[1], rows = (read) => Array.from({ length: width }, (_, y) => products.slice(y * width, (y + 1) * width).map(read));
    const weights5x5 = Array.from({ length: side }, (_, i) => Array.from({ length: side }, (_, j) => Number(weightAt([i, j]).toFixed(2))));
    stage.replaceChildren(
      numberTable(weights5x5, "filter: choose a weight", (y, x) => (y === tap[0] && x === tap[1] ? "selected" : ""), (y, x) => { if (tap[0] !== y || tap[1] !== x) { tap = [y, x]; show(); } }),
      ...Object.entries(pictures).map(([caption, read]) => numberPicture(rows(read), caption, live.colours)),
    );
    const largest = [...products].sort((one, other) => Math.abs(other.value * other.gradient) - Math.abs(one.value * one.gradient)).slice(0, 4);
    const loss = -Math.log(Math.max(softmax(outputs.at(-1))[label.selectedIndex], 1e-30));
    terms.textContent = `Loss for the label ${classes[label.selectedIndex]}: ${loss.toFixed(4)}. Gradient of weight (${tap}): ${largest.map((one) => `${one.value.toFixed(2)}·(${plainNumber(one.gradient)})`).join(" + ")} + ${products.length - 4} more = ${plainNumber(sum)}. A step of gradient descent with rate 0.1: ${weightAt(tap).toFixed(4)} − 0.1 · (${plainNumber(sum)}) = ${(weightAt(tap) - 0.1 * sum).toFixed(4)}`.replaceAll("-", "−");
  };
  fillChoices(unit, Array.from({ length: 6 }, (_, i) => `filter ${i}`));
  fillChoices(label, live.state.data.classes);
  // The right label has almost no gradient: the second most probable class shows one.
  label.selectedIndex = secondLargest(live.state.outputs.at(-1));
  label.addEventListener("change", show);
  unit.addEventListener("change", show);
  button.addEventListener("click", show);
  show();
}

// Three digits, without an exponent where a reader can do without.
const plainNumber = (value) => (Math.abs(value) >= 1e-4 || value === 0 ? String(Number(value.toPrecision(3))) : value.toExponential(2));

function secondLargest(values) {
  return [...values.keys()].sort((one, other) => values[other] - values[one])[1];
}

function fillChoices(select, names) {
  const before = Math.max(0, select.selectedIndex);
  select.replaceChildren(...names.map((name) => element("option", {}, name)));
  select.selectedIndex = Math.min(before, names.length - 1);
}

// Numbers as a small picture, in the colours of the maps.
function numberPicture(rows, caption, colours) {
  const canvas = element("canvas", { width: rows[0].length, height: rows.length, role: "img", "aria-label": caption, class: "number-picture" });
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(coloured(rows.flat(), colours).buffer), rows[0].length), 0, 0);
  return labelled(canvas, caption);
}
