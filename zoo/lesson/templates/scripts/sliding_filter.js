// A filter slides over the pixels of a digit; the products and their sum are shown for the position that is chosen.

const FILTERS = {
  "vertical edge": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
  "horizontal edge": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
  "blur": [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
  "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
  "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
};

// The products at one position of the output: {row, column, value, weight}; outside of the image values are 0.
function productsAt(pixels, filter, stride, padding, row, column) {
  return filter.flatMap((weights, i) => weights.map((weight, j) => {
    const y = row * stride - padding + i, x = column * stride - padding + j;
    return { row: y, column: x, weight, value: (pixels[y] && pixels[y][x]) ?? 0 };
  }));
}

const sumOfProducts = (terms) => terms.reduce((sum, { value, weight }) => sum + value * weight, 0);

function slide(pixels, filter, stride, padding) {
  const side = (length) => Math.floor((length - filter.length + 2 * padding) / stride) + 1;
  return Array.from({ length: side(pixels.length) }, (_, row) => Array.from({ length: side(pixels[0].length) }, (_, column) => sumOfProducts(productsAt(pixels, filter, stride, padding, row, column))));
}

function startSlidingFilter(root, pixels) {
  const form = root.querySelector("form"), stage = root.querySelector(".stage"), terms = root.querySelector(".terms");
  const chosen = () => ({ filter: FILTERS[form.elements.filter.value], stride: Number(form.elements.stride.value), padding: Number(form.elements.padding.value) });
  let player = null;
  const showPosition = (step) => {
    const { filter, stride, padding } = chosen(), output = slide(pixels, filter, stride, padding), width = output[0].length;
    const row = Math.floor(step / width), column = step % width, products = productsAt(pixels, filter, stride, padding, row, column);
    const inWindow = new Set(products.map((one) => `${one.row},${one.column}`));
    const padded = Array.from({ length: pixels.length + 2 * padding }, (_, y) => Array.from({ length: pixels[0].length + 2 * padding }, (_, x) => (pixels[y - padding] && pixels[y - padding][x - padding]) ?? null));
    const input = numberTable(padded, "input", (y, x) => (inWindow.has(`${y - padding},${x - padding}`) ? "in-window" : padded[y][x] === null ? "padding" : ""));
    const result = numberTable(output, "output", (y, x) => (y === row && x === column ? "selected" : y * width + x > step ? "later" : ""), (y, x) => player.go(y * width + x));
    stage.replaceChildren(input, numberTable(filter, "filter", () => "weight"), result);
    terms.textContent = `${products.map(({ value, weight }) => `${value}·${signed(weight)}`).join(" + ")} = ${sumOfProducts(products)}`.replaceAll("-", "−");
  };
  const count = () => slide(pixels, ...Object.values(chosen())).flat().length;
  // The first picture is drawn before there is a player to choose positions with.
  player = makePlayer(root, { steps: count(), show: (step) => showPosition(step), interval: 450, label: "Sliding filter" });
  form.addEventListener("change", () => { player.pause(); player.resize(count()); });
}

const signed = (number) => (number < 0 ? `(${number})` : `${number}`);

// A table of numbers; classOf(row, column) marks a cell, and chosen(row, column) makes it a button.
function numberTable(rows, caption, classOf, chosen) {
  const table = element("table", { class: "grid" });
  table.append(element("caption", {}, caption));
  rows.forEach((line, y) => {
    const row = element("tr");
    line.forEach((value, x) => {
      const cell = element("td", { class: classOf(y, x) }), text = value === null ? "0" : String(value).replace("-", "−");
      if (!chosen) cell.textContent = text;
      else {
        const button = element("button", { type: "button", tabindex: classOf(y, x) === "selected" ? "0" : "-1" }, text);
        cell.addEventListener("pointerenter", () => chosen(y, x));
        button.addEventListener("click", () => chosen(y, x));
        cell.append(button);
      }
      row.append(cell);
    });
    table.append(row);
  });
  return table;
}
