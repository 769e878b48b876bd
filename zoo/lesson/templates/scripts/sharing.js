// With sharing, one filter serves all positions. Without it the parameters grow with every position.

function startSharing(root) {
  const toggle = root.querySelector("input"), counter = root.querySelector(".counter"), map = root.querySelector(".positions"), about = root.querySelector(".about");
  const side = 14, filters = 20, oneFilter = 8 * 8 * 3 + 1;
  map.setAttribute("viewBox", `0 0 ${side} ${side}`);
  const cells = Array.from({ length: side * side }, (_, i) => svgElement("rect", { x: (i % side) + 0.06, y: Math.floor(i / side) + 0.06, width: 0.88, height: 0.88 }));
  map.replaceChildren(...cells);
  let timer = null;
  const show = (own) => {
    cells.forEach((cell, i) => { cell.style.fill = i < own ? `hsl(${(i * 47) % 360} 55% 55%)` : "var(--accent)"; });
    const sets = Math.max(1, own);
    counter.textContent = formatInteger(oneFilter * filters * sets);
    about.textContent = `(8·8·3 + 1) · 20 · ${sets === 1 ? "1 set of filters for all positions" : `${sets} sets of filters, one for each position`}`;
  };
  const run = () => {
    clearInterval(timer);
    if (toggle.checked) { show(0); return; }
    if (REDUCED_MOTION.matches) { show(side * side); return; }
    let own = 0;
    timer = setInterval(() => { own = Math.min(side * side, own + 4); show(own); if (own === side * side) clearInterval(timer); }, 40);
  };
  toggle.addEventListener("change", run);
  run();
}
