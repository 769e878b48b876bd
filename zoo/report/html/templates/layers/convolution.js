// The lesson's convolution, with sizes and padding to choose.

function startConvolution(form) {
  const output = document.getElementById("convolution-output"), formulas = document.getElementById("convolution-formulas");
  const holder = document.getElementById("convolution-picker"), picture = document.getElementById("sample-image").src;
  const number = (name) => boundedValue(form.elements[name]);
  const draw = () => {
    const size = number("size"), kernel = number("kernel"), stride = number("stride");
    const shape = {
      input_shape: [size, size, number("depth")], kernel: [kernel, kernel], stride: [stride, stride],
      dilation: [1, 1], groups: 1, filters: number("filters"), bias: true,
    };
    const mode = form.elements["convolution-padding"].value;
    form.elements.amount.disabled = mode !== "explicit";
    const pads = paddingOf(mode, number("amount"), shape), made = outputShape(shape, pads);
    if (!made) {
      output.textContent = "empty";
      formulas.replaceChildren(element("p", { class: "note" }, "The window does not fit: it is larger than the padded image."));
      holder.replaceChildren();
      return;
    }
    output.textContent = made.join("×");
    formulas.replaceChildren(formulaList(windowFormulas(shape, pads)));
    holder.replaceChildren(windowPicker(shape, pads, made, picture).root);
  };
  form.addEventListener("input", draw);
  showBoundedValues(form);
  form.addEventListener("submit", (event) => event.preventDefault());
  draw();
}

function windowPicker(shape, pads, output, picture) {
  const start = (index, axis) => index * shape.stride[axis] - pads[axis][0];
  const range = (index, axis) => `${start(index, axis)} to ${start(index, axis) + shape.kernel[axis] - 1}`;
  return makePicker({
    rows: output[0], columns: output[1], image: shape.input_shape.slice(0, 2), margin: Math.max(...pads.flat(), 1), picture,
    box: (row, column) => [start(row, 0), start(column, 1), shape.kernel[0], shape.kernel[1]],
    positionAt: (y, x) => [y, x].map((pixel, axis) => Math.round((pixel + pads[axis][0] - shape.kernel[axis] / 2) / shape.stride[axis])),
    titles: [`the output, ${output[0]}×${output[1]} positions`, `the input, ${shape.input_shape[0]}×${shape.input_shape[1]}, with padding`],
    describe: (row, column) => `Position (${row}, ${column}): rows ${range(row, 0)} and columns ${range(column, 1)} of the input`,
  });
}
