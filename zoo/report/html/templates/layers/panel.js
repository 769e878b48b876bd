// The panel that opens under a layer of the table: its formulas, also for other paddings, and its receptive field.

let panelRow = null;

function closePanel(focus) {
  if (!panelRow) return;
  const link = panelLink();
  panelRow.remove();
  panelRow = null;
  if (link) {
    link.setAttribute("aria-expanded", "false");
    link.removeAttribute("aria-controls");
    if (focus) link.focus();
  }
}

function panelLink() {
  return panelRow.previousElementSibling && panelRow.previousElementSibling.querySelector("a");
}

function panelHasFocus() {
  return panelRow && (panelRow.contains(document.activeElement) || panelLink() === document.activeElement);
}

function startPanels(table, data) {
  for (const row of table.querySelectorAll("tr.layer")) {
    const link = row.querySelector("a");
    link.setAttribute("role", "button");
    link.setAttribute("aria-expanded", "false");
    row.addEventListener("click", (event) => {
      if (event.target.closest("a") || !window.getSelection().toString()) togglePanel(row, data);
      event.preventDefault();
    });
    link.addEventListener("keydown", (event) => {
      if (event.key === " ") { togglePanel(row, data); event.preventDefault(); }
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) { linkAt(table, link, step).focus(); event.preventDefault(); }
    });
  }
  document.addEventListener("keydown", (event) => event.key === "Escape" && panelHasFocus() && closePanel(true));
}

function linkAt(table, link, step) {
  const links = [...table.querySelectorAll("tr.layer:not([hidden]) a")].filter((one) => one.offsetParent);
  return links[Math.min(links.length - 1, Math.max(0, links.indexOf(link) + step))];
}

function togglePanel(row, data) {
  const wasOpen = panelRow && panelRow.previousElementSibling === row;
  closePanel();
  if (wasOpen) return;
  const made = document.getElementById("panel-template").content.cloneNode(true);
  panelRow = element("tr", { class: "panel-row", id: "panel" });
  const cell = element("td", { colspan: row.cells.length });
  cell.append(made);
  panelRow.append(cell);
  row.after(panelRow);
  const link = row.querySelector("a");
  link.setAttribute("aria-expanded", "true");
  link.setAttribute("aria-controls", "panel");
  link.focus({ preventScroll: true });
  fillPanel(cell, Number(row.dataset.index), data);
}

function fillPanel(cell, index, data) {
  const source = document.getElementById(`layer-${index}`), { window: shape, by_formula: byFormula, field } = data.layers[index];
  const title = cell.querySelector("h3"), formulas = cell.querySelector(".panel-formulas");
  title.append(...source.querySelector("h3").cloneNode(true).childNodes);
  title.id = "panel-title";
  cell.querySelector(".panel").setAttribute("aria-labelledby", "panel-title");
  cell.querySelector(".close").addEventListener("click", () => closePanel(true));
  formulas.append(source.querySelector(".formulas").cloneNode(true));
  const padding = cell.querySelector(".padding");
  if (shape) startPadding(padding, { shape, byFormula }, source, formulas);
  else padding.remove();
  const beside = cell.querySelector(".panel-field");
  if (field) beside.append(fieldPicker(field, data.image));
  else beside.append(element("p", { class: "note" }, "The output has no height and width, so it has no positions to choose."));
}

function startPadding(padding, { shape, byFormula }, source, formulas) {
  const amount = padding.querySelector('input[type="number"]'), choices = [...padding.querySelectorAll('input[type="radio"]')];
  choices.forEach((choice) => { choice.name = "panel-padding"; });
  amount.value = shape.pads[0][0];
  const built = source.querySelector(".formulas");
  const draw = () => {
    const mode = choices.find((choice) => choice.checked).value;
    amount.disabled = mode !== "explicit";
    if (mode === "built") { formulas.replaceChildren(built.cloneNode(true)); return; }
    const pads = paddingOf(mode, boundedValue(amount), shape);
    if (outputShape(shape, pads)) formulas.replaceChildren(withOtherPadding(windowFormulas(shape, pads), byFormula, built));
    else formulas.replaceChildren(element("p", { class: "note" }, "The window does not fit: it is larger than the padded maps."));
  };
  padding.addEventListener("input", draw);
  showBoundedValues(padding);
  draw();
}

// The formulas with another padding. If the parameters do not follow the formula (a table of connections, reused weights),
// they stay as built, because padding does not change them; the number without sharing is then not known.
function withOtherPadding(formulas, byFormula, built) {
  const results = [...built.children].map((line) => [line.dataset.quantity, line.querySelector(".result").textContent]);
  const list = formulaList(formulas, new Map(results));
  if (byFormula) return list;
  const mixed = built.cloneNode(true);
  for (const line of [...mixed.children]) {
    const quantity = line.dataset.quantity, changed = list.querySelector(`[data-quantity="${quantity}"]`);
    if (quantity === "without sharing") line.remove();
    else if (changed && quantity !== "parameters") line.replaceWith(changed);
  }
  return mixed;
}

// The receptive field of a position on the sample image. An axis is [start, size, step], or null if the field is all of it.
function fieldPicker(field, image) {
  const box = (row, column) => {
    const sides = [row, column].map((index, axis) => {
      const known = field.axes[axis];
      return known ? [known[0] + index * known[2], known[1]] : [0, image[axis]];
    });
    return [sides[0][0], sides[1][0], sides[0][1], sides[1][1]];
  };
  const positionAt = (y, x) => [y, x].map((pixel, axis) => {
    const known = field.axes[axis];
    return known ? Math.round((pixel - known[0] - known[1] / 2) / known[2]) : 0;
  });
  return makePicker({
    rows: field.positions[0], columns: field.positions[1], image, margin: Math.round(Math.max(...image) * 0.12),
    picture: document.getElementById("sample-image").src, box, positionAt,
    titles: [`the layer’s maps, ${field.positions.join("×")}`, "the receptive field of the position"],
    describe: (row, column, [top, left, height, width]) =>
      `Position (${row}, ${column}): ${pixelRange(top, height, image[0])} by ${pixelRange(left, width, image[1])}`,
  }).root;
}

function pixelRange(start, size, extent) {
  const end = start + size, rounded = (value) => Math.round(value * 100) / 100;
  const comment = start <= 0 && end >= extent ? ", the whole image and padding" : start < 0 || end > extent ? ", with padding" : "";
  return `${rounded(size)} ${size === 1 ? "pixel" : "pixels"} (${rounded(start)} to ${rounded(end - 1)}${comment})`;
}
