// The lesson's convolution with sizes to choose.

function startExample(form) {
  const output = document.getElementById("example-output"), lines = document.getElementById("example-steps");
  const holder = document.getElementById("example-picker"), picture = document.getElementById("sample").src;
  const number = (name) => bounded(form.elements[name]);
  const draw = () => {
    const size = number("size"), kernel = number("kernel"), stride = number("stride");
    const shape = {
      input_shape: [size, size, number("depth")], kernel: [kernel, kernel], stride: [stride, stride],
      dilation: [1, 1], groups: 1, filters: number("filters"), bias: true,
    };
    const mode = form.elements["example-padding"].value;
    form.elements.amount.disabled = mode !== "explicit";
    const pads = paddingOf(mode, number("amount"), shape), made = outputOf(shape, pads);
    if (!made) {
      output.textContent = "nothing";
      lines.replaceChildren(element("p", { class: "note" }, "The window does not fit: it is larger than the image with its padding."));
      holder.replaceChildren();
      return;
    }
    output.textContent = made.join("×");
    lines.replaceChildren(stepList(stepsOf(shape, pads)));
    holder.replaceChildren(windowPicker(shape, pads, made, picture).root);
  };
  form.addEventListener("input", draw);
  keepBounded(form);
  form.addEventListener("submit", (event) => event.preventDefault());
  draw();
}

function windowPicker(shape, pads, made, picture) {
  const start = (place, axis) => place * shape.stride[axis] - pads[axis][0];
  return makePicker({
    rows: made[0], columns: made[1], image: shape.input_shape.slice(0, 2), margin: Math.max(...pads.flat(), 1), picture,
    box: (row, column) => [start(row, 0), start(column, 1), shape.kernel[0], shape.kernel[1]],
    place: (y, x) => [y, x].map((at, axis) => Math.round((at + pads[axis][0] - shape.kernel[axis] / 2) / shape.stride[axis])),
    titles: [`the output, ${made[0]}×${made[1]} places`, `the input, ${shape.input_shape[0]}×${shape.input_shape[1]}, and its padding`],
    say: (row, column) => `Place (${row}, ${column}) looks at rows ${start(row, 0)} to ${start(row, 0) + shape.kernel[0] - 1} and columns ${start(column, 1)} to ${start(column, 1) + shape.kernel[1] - 1}`,
  });
}
