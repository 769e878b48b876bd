// With sharing, one filter serves all positions. Without it the parameters grow with every position.

const PER_STEP = 4; // positions that get filters of their own

function startSharing(root) {
  const toggle = root.querySelector("input"), counter = root.querySelector(".counter"), map = root.querySelector(".positions"), about = root.querySelector(".about");
  const side = 14, filters = 20, oneFilter = 8 * 8 * 3 + 1;
  map.setAttribute("viewBox", `0 0 ${side} ${side}`);
  const cells = Array.from({ length: side * side }, (_, i) => svgElement("rect", { x: (i % side) + 0.06, y: Math.floor(i / side) + 0.06, width: 0.88, height: 0.88 }));
  map.replaceChildren(...cells);
  const steps = Math.ceil((side * side) / PER_STEP) + 1;
  const show = (step) => {
    const own = Math.min(side * side, step * PER_STEP), rest = side * side - own, sets = own + (rest ? 1 : 0);
    toggle.checked = step === 0;
    cells.forEach((cell, i) => { cell.style.fill = i < own ? `hsl(${(i * 47) % 360} 55% 55%)` : "var(--accent)"; });
    // A counter that runs is not read aloud at each step.
    counter.setAttribute("aria-live", own && rest ? "off" : "polite");
    counter.textContent = formatInteger(oneFilter * filters * sets);
    const who = !own ? "one set of filters for all positions" : rest ? `${own} positions have filters of their own, and ${rest} still share one set` : "every position has filters of its own";
    about.textContent = `(8·8·3 + 1) · ${filters} · ${sets}: ${who}`;
  };
  const player = makePlayer(root, { steps, show, interval: 40, label: "Positions with filters of their own", once: true });
  toggle.addEventListener("change", () => {
    player.pause();
    if (toggle.checked) player.go(0);
    else if (REDUCED_MOTION.matches) player.go(steps - 1);
    else { player.go(1); player.start(); }
  });
}
