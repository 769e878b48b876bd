"use strict";
// The lesson's arithmetic, as in zoo/report/formulas.py: what a window makes of a size, and the lines that say so.

const comma = (number) => number.toLocaleString("en-US");
const times = (values) => values.map(comma).join(" × ");
const product = (values) => values.reduce((all, one) => all * one, 1);

// The padding [low, high] on each axis that a choice stands for; null where the choice is "built".
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

// [height, width, depth] of the output; null where the window does not fit.
function outputOf(window, pads) {
  const sizes = [0, 1].map((axis) => {
    const span = (window.kernel[axis] - 1) * window.dilation[axis] + 1;
    const room = window.input_shape[axis] + pads[axis][0] + pads[axis][1] - span;
    return room < 0 ? 0 : Math.floor(room / window.stride[axis]) + 1;
  });
  return sizes.includes(0) ? null : [...sizes, window.filters];
}

function sizeLine(window, pads, axis) {
  const [low, high] = pads[axis], kernel = window.kernel[axis], dilation = window.dilation[axis];
  const padding = low === high ? `2·${low}` : `${low} + ${high}`;
  const span = dilation === 1 ? `${kernel}` : `(${kernel - 1}·${dilation} + 1)`;
  return `⌊(${window.input_shape[axis]} + ${padding} − ${span}) / ${window.stride[axis]}⌋ + 1`;
}

// [label, formula, numbers, result] of each line, for an output that there is.
function stepsOf(window, pads) {
  const output = outputOf(window, pads), depth = window.input_shape[2] / window.groups;
  const size = "⌊(size + padding − window) / stride⌋ + 1";
  const lines = [
    ["output height", size, sizeLine(window, pads, 0), comma(output[0])],
    ["output width", size, sizeLine(window, pads, 1), comma(output[1])],
  ];
  if (window.bias === null) return [...lines, ["output depth", "that of the input", "", comma(output[2])]];
  const taps = window.kernel[0] * window.kernel[1] * depth;
  const deep = window.groups === 1 ? comma(window.input_shape[2]) : `${comma(window.input_shape[2])}/${comma(window.groups)}`;
  const shown = `${window.kernel[0]} × ${window.kernel[1]} × ${deep}`;
  const one = window.bias ? `(${shown} + 1)` : `(${shown})`, bias = window.bias ? " + 1 bias" : "";
  const each = taps + (window.bias ? 1 : 0);
  return [
    ...lines,
    ["output depth", "one map a filter", "", comma(output[2])],
    ["parameters", `(window × depth${bias}) × filters`, `${one} × ${comma(window.filters)}`, comma(each * window.filters)],
    ["without sharing", `(window × depth${bias}) × every output`, `${one} × (${times(output)})`, comma(each * product(output))],
    ["multiply-adds", "every output × window × depth", `(${times(output)}) × (${shown})`, comma(product(output) * taps)],
  ];
}

// The lines as the page has them; `before` are results by label to compare with.
function stepList(lines, before) {
  const list = element("dl", { class: "steps" });
  for (const [label, formula, numbers, result] of lines) {
    const line = element("div", { "data-step": label });
    const said = element("dd");
    said.append(element("span", { class: "formula" }, formula));
    if (numbers) said.append(" ", element("span", { class: "numbers" }, numbers));
    said.append(" ", element("span", { class: "equals" }, "="), " ", element("b", { class: "result" }, result));
    const built = before && before.get(label);
    if (built && built !== result) said.append(" ", element("span", { class: "was" }, `as built ${built}`));
    line.append(element("dt", {}, label), said);
    list.append(line);
  }
  return list;
}

// The whole number that a field stands for, whatever was typed: within its bounds.
function bounded(field) {
  return Math.min(Number(field.max), Math.max(Number(field.min), Math.floor(Number(field.value)) || 0));
}

// Says in the field what is worked with, once it has been typed.
function keepBounded(form) {
  form.addEventListener("change", ({ target }) => { if (target.type === "number") target.value = bounded(target); });
}

function element(name, attributes = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}
