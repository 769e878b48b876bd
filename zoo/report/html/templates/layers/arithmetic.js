"use strict";
// The arithmetic of zoo/report/layers/formulas.py: a window's output shape, and the formulas with their numbers.

const formatInteger = (number) => number.toLocaleString("en-US");
const formatProduct = (factors) => factors.map(formatInteger).join(" × ");
const product = (factors) => factors.reduce((all, one) => all * one, 1);

// The padding [low, high] of each axis; `mode` is "built" (the network's own), "SAME", "VALID" or "explicit".
function paddingOf(mode, amount, window) {
  if (mode === "built") return window.pads;
  return [0, 1].map((axis) => {
    if (mode === "VALID") return [0, 0];
    if (mode === "explicit") return [amount, amount];
    const size = window.input_shape[axis], stride = window.stride[axis];
    const span = (window.kernel[axis] - 1) * window.dilation[axis] + 1;
    const total = Math.max((Math.ceil(size / stride) - 1) * stride + span - size, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  });
}

// [height, width, depth] of the output; null if the window does not fit.
function outputShape(window, pads) {
  const sizes = [0, 1].map((axis) => {
    const span = (window.kernel[axis] - 1) * window.dilation[axis] + 1;
    const room = window.input_shape[axis] + pads[axis][0] + pads[axis][1] - span;
    return room < 0 ? 0 : Math.floor(room / window.stride[axis]) + 1;
  });
  return sizes.includes(0) ? null : [...sizes, window.filters];
}

function sizeNumbers(window, pads, axis) {
  const [low, high] = pads[axis], kernel = window.kernel[axis], dilation = window.dilation[axis];
  const padding = low === high ? `2·${low}` : `${low} + ${high}`;
  const span = dilation === 1 ? `${kernel}` : `(${kernel - 1}·${dilation} + 1)`;
  return `⌊(${window.input_shape[axis]} + ${padding} − ${span}) / ${window.stride[axis]}⌋ + 1`;
}

// [label, formula, numbers, result] of each formula. The window must fit.
function windowFormulas(window, pads) {
  const output = outputShape(window, pads), depth = window.input_shape[2] / window.groups;
  const size = "⌊(size + padding − window) / stride⌋ + 1";
  const sizes = [
    ["output height", size, sizeNumbers(window, pads, 0), formatInteger(output[0])],
    ["output width", size, sizeNumbers(window, pads, 1), formatInteger(output[1])],
  ];
  if (window.bias === null) return [...sizes, ["output depth", "the input’s depth", "", formatInteger(output[2])]];
  const weights = window.kernel[0] * window.kernel[1] * depth, parameters = weights + (window.bias ? 1 : 0);
  const inputDepth = formatInteger(window.input_shape[2]);
  const depthNumbers = window.groups === 1 ? inputDepth : `${inputDepth}/${formatInteger(window.groups)}`;
  const weightNumbers = `${window.kernel[0]} × ${window.kernel[1]} × ${depthNumbers}`;
  const oneFilter = window.bias ? `(${weightNumbers} + 1)` : `(${weightNumbers})`, bias = window.bias ? " + 1 bias" : "";
  const outputs = formatProduct(output), filters = formatInteger(window.filters);
  return [
    ...sizes,
    ["output depth", "one map per filter", "", formatInteger(output[2])],
    ["parameters", `(window × depth${bias}) × filters`, `${oneFilter} × ${filters}`, formatInteger(parameters * window.filters)],
    ["without sharing", `(window × depth${bias}) × every output`, `${oneFilter} × (${outputs})`, formatInteger(parameters * product(output))],
    ["multiply-adds", "every output × window × depth", `(${outputs}) × (${weightNumbers})`, formatInteger(product(output) * weights)],
  ];
}

// The formulas as the page shows them. `builtResults` maps labels to results; where one differs, it is shown beside the new one.
function formulaList(formulas, builtResults) {
  const list = element("dl", { class: "formulas" });
  for (const [label, formula, numbers, result] of formulas) {
    const line = element("div", { "data-quantity": label });
    const text = element("dd");
    text.append(element("span", { class: "formula" }, formula));
    if (numbers) text.append(" ", element("span", { class: "numbers" }, numbers));
    text.append(" ", element("span", { class: "equals" }, "="), " ", element("b", { class: "result" }, result));
    const built = builtResults && builtResults.get(label);
    if (built && built !== result) text.append(" ", element("span", { class: "as-built" }, `as built ${built}`));
    line.append(element("dt", {}, label), text);
    list.append(line);
  }
  return list;
}

// The field's value as an integer within its bounds, whatever was typed.
function boundedValue(field) {
  return Math.min(Number(field.max), Math.max(Number(field.min), Math.floor(Number(field.value)) || 0));
}

// After an entry, number fields show the bounded value that is used.
function showBoundedValues(form) {
  form.addEventListener("change", ({ target }) => { if (target.type === "number") target.value = boundedValue(target); });
}

function element(name, attributes = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}
