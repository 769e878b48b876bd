// A map of places and the image beside it: choose a place by mouse, touch or arrow keys, and see its window.

const SVG = "http://www.w3.org/2000/svg";

function drawn(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// options: rows, columns; image [height, width]; picture (a link); margin round the image, in its pixels;
// box(row, column) -> [top, left, height, width] in the image's pixels; place(y, x) -> [row, column]; titles; say(row, column, box).
function makePicker(options) {
  const { rows, columns, image, margin = 0 } = options;
  const root = element("div", { class: "picker" });
  const map = drawn("svg", {
    viewBox: `0 0 ${columns} ${rows}`, class: "map", tabindex: "0", role: "application", "aria-roledescription": "map of places",
  });
  map.style.aspectRatio = columns / rows;
  const view = drawn("svg", {
    viewBox: `${-margin} ${-margin} ${image[1] + 2 * margin} ${image[0] + 2 * margin}`, class: "view", "aria-hidden": "true",
  });
  view.style.aspectRatio = (image[1] + 2 * margin) / (image[0] + 2 * margin);
  map.setAttribute("aria-label", `${options.titles[0]}: ${rows} by ${columns} places; the arrow keys move, with shift further`);
  map.append(picture(options.picture, columns, rows), grid(rows, columns));
  view.append(drawn("rect", { x: -margin, y: -margin, width: image[1] + 2 * margin, height: image[0] + 2 * margin, class: "beyond" }));
  view.append(picture(options.picture, image[1], image[0]));
  const dot = drawn("rect", { class: "dot" }), box = drawn("rect", { class: "box" }), halo = drawn("rect", { class: "halo" });
  map.append(dot);
  view.append(halo, box);
  const said = element("p", { class: "said", role: "status" });
  root.append(figure(map, options.titles[0]), figure(view, options.titles[1]), said);

  const state = { row: Math.floor((rows - 1) / 2), column: Math.floor((columns - 1) / 2) };
  const least = Math.max(rows, columns) / 40;

  function show(row, column) {
    state.row = Math.min(rows - 1, Math.max(0, row));
    state.column = Math.min(columns - 1, Math.max(0, column));
    const wide = Math.max(1, least), half = wide / 2;
    set(dot, [state.row + 0.5 - half, state.column + 0.5 - half, wide, wide]);
    const seen = options.box(state.row, state.column);
    set(box, seen);
    set(halo, seen);
    said.textContent = options.say(state.row, state.column, seen);
    root.dataset.row = state.row;
    root.dataset.column = state.column;
  }

  const keys = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  map.addEventListener("keydown", (event) => {
    const step = keys[event.key];
    if (event.key === "Home") show(0, 0);
    else if (event.key === "End") show(rows - 1, columns - 1);
    else if (step) {
      const [down, right] = [rows, columns].map((places) => (event.shiftKey ? Math.max(1, Math.round(places / 8)) : 1));
      show(state.row + step[0] * down, state.column + step[1] * right);
    } else return;
    event.preventDefault();
  });
  dragged(map, (y, x) => show(Math.floor(y), Math.floor(x)));
  dragged(view, (y, x) => show(...options.place(y, x)));
  show(state.row, state.column);
  return { root, show };
}

// Calls back with the pointer's place in the drawing's own units, while it is down.
function dragged(svg, moved) {
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

function set(rect, [y, x, height, width]) {
  for (const [key, value] of Object.entries({ x, y, width, height })) rect.setAttribute(key, value);
}

function picture(link, width, height) {
  return drawn("image", { href: link, x: 0, y: 0, width, height, preserveAspectRatio: "none" });
}

// Lines between places, where they would not cover the map.
function grid(rows, columns) {
  if (Math.max(rows, columns) > 32) return drawn("g", {});
  let path = "";
  for (let i = 1; i < rows; i++) path += `M0 ${i}H${columns}`;
  for (let j = 1; j < columns; j++) path += `M${j} 0V${rows}`;
  return drawn("path", { d: path, class: "lines" });
}

function figure(svg, title) {
  const made = element("figure");
  made.append(svg, element("figcaption", {}, title));
  return made;
}
