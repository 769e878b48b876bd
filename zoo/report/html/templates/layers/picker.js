// The positions of a map, and the image beside it: a position is chosen by mouse, touch or arrow keys, and its window is shown.

const SVG = "http://www.w3.org/2000/svg";

function svgElement(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// options: rows, columns; image [height, width]; picture (a URI); margin around the image, in its pixels; titles;
// box(row, column) -> [top, left, height, width] in the image's pixels; positionAt(y, x) -> [row, column];
// describe(row, column, box) -> text.
function makePicker(options) {
  const { rows, columns, image, margin = 0 } = options;
  const root = element("div", { class: "picker" });
  const map = svgElement("svg", {
    viewBox: `0 0 ${columns} ${rows}`, class: "map", tabindex: "0", role: "application", "aria-roledescription": "map of positions",
  });
  map.style.aspectRatio = columns / rows;
  const view = svgElement("svg", {
    viewBox: `${-margin} ${-margin} ${image[1] + 2 * margin} ${image[0] + 2 * margin}`, class: "view", "aria-hidden": "true",
  });
  view.style.aspectRatio = (image[1] + 2 * margin) / (image[0] + 2 * margin);
  map.setAttribute("aria-label", `${options.titles[0]}: ${rows} by ${columns} positions; move with the arrow keys, in larger steps with shift`);
  map.append(picture(options.picture, columns, rows), grid(rows, columns));
  view.append(svgElement("rect", { x: -margin, y: -margin, width: image[1] + 2 * margin, height: image[0] + 2 * margin, class: "margin" }));
  view.append(picture(options.picture, image[1], image[0]));
  const dot = svgElement("rect", { class: "dot" }), box = svgElement("rect", { class: "box" }), halo = svgElement("rect", { class: "halo" });
  map.append(dot);
  view.append(halo, box);
  const description = element("p", { class: "description", role: "status" });
  root.append(figure(map, options.titles[0]), figure(view, options.titles[1]), description);

  const state = { row: Math.floor((rows - 1) / 2), column: Math.floor((columns - 1) / 2) };
  // The dot stays visible on large maps.
  const minDotSize = Math.max(rows, columns) / 40;

  function show(row, column) {
    state.row = Math.min(rows - 1, Math.max(0, row));
    state.column = Math.min(columns - 1, Math.max(0, column));
    const dotSize = Math.max(1, minDotSize), half = dotSize / 2;
    setBox(dot, [state.row + 0.5 - half, state.column + 0.5 - half, dotSize, dotSize]);
    const window = options.box(state.row, state.column);
    setBox(box, window);
    setBox(halo, window);
    description.textContent = options.describe(state.row, state.column, window);
    root.dataset.row = state.row;
    root.dataset.column = state.column;
  }

  const keys = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  map.addEventListener("keydown", (event) => {
    const step = keys[event.key];
    if (event.key === "Home") show(0, 0);
    else if (event.key === "End") show(rows - 1, columns - 1);
    else if (step) {
      const [down, right] = [rows, columns].map((count) => (event.shiftKey ? Math.max(1, Math.round(count / 8)) : 1));
      show(state.row + step[0] * down, state.column + step[1] * right);
    } else return;
    event.preventDefault();
  });
  onDrag(map, (y, x) => show(Math.floor(y), Math.floor(x)));
  onDrag(view, (y, x) => show(...options.positionAt(y, x)));
  show(state.row, state.column);
  return { root, show };
}

// Calls `moved` with the pointer's position in the units of the drawing, while the pointer is down.
function onDrag(svg, moved) {
  const report = (event) => {
    const frame = svg.getBoundingClientRect(), [x, y, width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    moved(y + ((event.clientY - frame.top) / frame.height) * height, x + ((event.clientX - frame.left) / frame.width) * width);
  };
  svg.addEventListener("pointerdown", (event) => {
    svg.setPointerCapture(event.pointerId);
    report(event);
    if (svg.tabIndex === 0) svg.focus();
    event.preventDefault();
  });
  svg.addEventListener("pointermove", (event) => svg.hasPointerCapture(event.pointerId) && report(event));
}

function setBox(rect, [y, x, height, width]) {
  for (const [key, value] of Object.entries({ x, y, width, height })) rect.setAttribute(key, value);
}

function picture(uri, width, height) {
  return svgElement("image", { href: uri, x: 0, y: 0, width, height, preserveAspectRatio: "none" });
}

// Lines between positions; none on large maps, which they would cover.
function grid(rows, columns) {
  if (Math.max(rows, columns) > 32) return svgElement("g", {});
  let path = "";
  for (let i = 1; i < rows; i++) path += `M0 ${i}H${columns}`;
  for (let j = 1; j < columns; j++) path += `M${j} 0V${rows}`;
  return svgElement("path", { d: path, class: "lines" });
}

function figure(svg, title) {
  const made = element("figure");
  made.append(svg, element("figcaption", {}, title));
  return made;
}
