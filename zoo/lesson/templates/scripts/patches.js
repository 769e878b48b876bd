// A square steps over the photograph: each patch gives a column of k values in the next layer.

function startPatches(root, picture) {
  const form = root.querySelector("form"), stage = root.querySelector(".stage"), about = root.querySelector(".about");
  const size = 32;
  const value = (name) => boundedValue(form.elements[name]);
  const view = svgElement("svg", { viewBox: `0 0 ${size} ${size}`, class: "photo", role: "img", "aria-label": "the image with the patch in a frame" });
  view.append(svgElement("image", { href: picture, width: size, height: size }));
  const frame = svgElement("rect", { class: "frame" });
  view.append(frame);
  const patch = svgElement("svg", { class: "patch", role: "img", "aria-label": "the patch, enlarged" });
  const enlarged = svgElement("image", { href: picture, width: size, height: size });
  patch.append(enlarged);
  const next = svgElement("svg", { class: "positions", role: "img", "aria-label": "the next layer seen from above, with the column of this patch" });
  stage.append(labelled(view, "the image"), labelled(patch, "one patch"), labelled(next, "the next layer"));
  const positions = () => Math.floor((size - value("patch")) / value("stride")) + 1;
  const draw = (step) => {
    const side = value("patch"), count = positions(), row = Math.floor(step / count), column = step % count, depth = value("depth");
    const [x, y] = [column * value("stride"), row * value("stride")];
    setBox(frame, [y, x, side, side]);
    patch.setAttribute("viewBox", `${x} ${y} ${side} ${side}`);
    drawPositions(next, count, row, column);
    about.textContent = `Patch ${step + 1} of ${count * count}: rows ${y} to ${y + side - 1}, columns ${x} to ${x + side - 1}. It gives ${depth} ${depth === 1 ? "value" : "values"}, one for each filter; the next layer is ${count}×${count}×${depth}.`;
  };
  const player = makePlayer(root, { steps: positions() ** 2, show: draw, interval: 350, label: "Patches" });
  form.addEventListener("input", () => player.resize(positions() ** 2));
  form.addEventListener("submit", (event) => event.preventDefault());
  showBoundedValues(form);
}

function drawPositions(svg, count, row, column) {
  svg.setAttribute("viewBox", `0 0 ${count} ${count}`);
  const whole = svgElement("rect", { width: count, height: count, class: "map" }), done = svgElement("path", { class: "done" });
  done.setAttribute("d", `M0 0H${count}V${row}H0Z M0 ${row}H${column}V${row + 1}H0Z`);
  const here = svgElement("rect", { x: column, y: row, width: 1, height: 1, class: "here" });
  svg.replaceChildren(whole, done, here);
}

function labelled(content, text) {
  const made = element("figure");
  made.append(content, element("figcaption", {}, text));
  return made;
}
