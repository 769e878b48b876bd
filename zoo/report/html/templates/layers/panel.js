// What opens under a layer of the table: its formulas, other paddings, and its receptive field.

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
      if (event.target.closest("a") || !window.getSelection().toString()) toggle(row, data);
      event.preventDefault();
    });
    link.addEventListener("keydown", (event) => {
      if (event.key === " ") { toggle(row, data); event.preventDefault(); }
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) { neighbour(table, link, step).focus(); event.preventDefault(); }
    });
  }
  document.addEventListener("keydown", (event) => event.key === "Escape" && panelHasFocus() && closePanel(true));
}

function neighbour(table, link, step) {
  const links = [...table.querySelectorAll("tr.layer:not([hidden]) a")].filter((one) => one.offsetParent);
  return links[Math.min(links.length - 1, Math.max(0, links.indexOf(link) + step))];
}

function toggle(row, data) {
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
  fill(cell, Number(row.dataset.n), data);
}

function fill(cell, index, data) {
  const source = document.getElementById(`layer-${index}`), { window: shape, plain, field } = data.layers[index];
  const title = cell.querySelector("h3"), steps = cell.querySelector(".panel-steps");
  title.append(...source.querySelector("h3").cloneNode(true).childNodes);
  title.id = "panel-title";
  cell.querySelector(".panel").setAttribute("aria-labelledby", "panel-title");
  cell.querySelector(".close").addEventListener("click", () => closePanel(true));
  steps.append(source.querySelector(".steps").cloneNode(true));
  const padding = cell.querySelector(".padding");
  if (shape) startPadding(padding, { shape, plain }, source, steps);
  else padding.remove();
  const beside = cell.querySelector(".panel-field");
  if (field) beside.append(fieldPicker(field, data.image));
  else beside.append(element("p", { class: "note" }, "Its output has no height and width, and so no places to choose from."));
}

function startPadding(padding, { shape, plain }, source, steps) {
  const amount = padding.querySelector('input[type="number"]'), choices = [...padding.querySelectorAll('input[type="radio"]')];
  choices.forEach((choice) => { choice.name = "panel-padding"; });
  amount.value = shape.pads[0][0];
  const draw = () => {
    const mode = choices.find((choice) => choice.checked).value;
    amount.disabled = mode !== "explicit";
    if (mode === "built") { steps.replaceChildren(source.querySelector(".steps").cloneNode(true)); return; }
    const pads = paddingOf(mode, bounded(amount), shape);
    if (outputOf(shape, pads)) steps.replaceChildren(repadded(stepsOf(shape, pads), plain, source.querySelector(".steps")));
    else steps.replaceChildren(element("p", { class: "note" }, "The window does not fit: it is larger than the maps with their padding."));
  };
  padding.addEventListener("input", draw);
  keepBounded(padding);
  draw();
}

// The lines under another padding. Where the parameters are not the formula's (a table of connections, shared weights)
// they stay as built, as no padding changes them; what they would be without sharing is then not known.
function repadded(lines, plain, built) {
  const before = new Map([...built.children].map((line) => [line.dataset.step, line.querySelector(".result").textContent]));
  const list = stepList(lines, before);
  if (plain) return list;
  const mixed = built.cloneNode(true);
  for (const line of [...mixed.children]) {
    const again = list.querySelector(`[data-step="${line.dataset.step}"]`);
    if (line.dataset.step === "without sharing") line.remove();
    else if (again && line.dataset.step !== "parameters") line.replaceWith(again);
  }
  return mixed;
}

// Where a place's field lies on the sample image. An axis is [start, size, step], or null where all of it is seen.
function fieldPicker(field, image) {
  const box = (row, column) => {
    const sides = [row, column].map((place, axis) => {
      const known = field.axes[axis];
      return known ? [known[0] + place * known[2], known[1]] : [0, image[axis]];
    });
    return [sides[0][0], sides[1][0], sides[0][1], sides[1][1]];
  };
  const place = (y, x) => [y, x].map((at, axis) => {
    const known = field.axes[axis];
    return known ? Math.round((at - known[0] - known[1] / 2) / known[2]) : 0;
  });
  return makePicker({
    rows: field.places[0], columns: field.places[1], image, margin: Math.round(Math.max(...image) * 0.12),
    picture: document.getElementById("sample").src, box, place,
    titles: [`the layer’s maps, ${field.places.join("×")}`, "what a place sees of the image"],
    say: (row, column, seen) => `Place (${row}, ${column}) sees ${span(seen[0], seen[2], image[0])} by ${span(seen[1], seen[3], image[1])}`,
  }).root;
}

function span(start, size, extent) {
  const end = start + size, rounded = (value) => Math.round(value * 100) / 100;
  const all = start <= 0 && end >= extent ? ", all there is and the padding" : start < 0 || end > extent ? ", padding with it" : "";
  return `${rounded(size)} ${size === 1 ? "pixel" : "pixels"} (${rounded(start)} to ${rounded(end - 1)}${all})`;
}
