// Max and average pooling of the same grid, a window at a time.

function startPoolingPlay(root, grid) {
  const stage = root.querySelector(".stage"), terms = root.querySelector(".terms"), choices = root.querySelectorAll("input[type=radio]");
  const kind = () => [...choices].find((one) => one.checked).value;
  const combine = { max: (window) => Math.max(...window), mean: (window) => window.reduce((sum, value) => sum + value, 0) / window.length };
  const corner = (step) => [2 * Math.floor(step / 2), 2 * (step % 2)];
  const windowAt = (step) => { const [y, x] = corner(step); return [grid[y][x], grid[y][x + 1], grid[y + 1][x], grid[y + 1][x + 1]]; };
  const result = (step) => Number(combine[kind()](windowAt(step)).toFixed(3));
  let player = null;
  const show = (step) => {
    const [row, column] = corner(step);
    const inside = (y, x) => y >= row && y < row + 2 && x >= column && x < column + 2;
    const input = numberTable(grid, "input", (y, x) => (!inside(y, x) ? "" : kind() === "max" && grid[y][x] === result(step) ? "maximum" : "in-window"));
    const output = numberTable([[0, 1], [2, 3]].map((line) => line.map(result)), kind() === "max" ? "max pooling" : "average pooling", (y, x) => (2 * y + x === step ? "selected" : 2 * y + x > step ? "later" : ""), (y, x) => player.go(2 * y + x));
    stage.replaceChildren(input, output);
    terms.textContent = `${kind()}(${windowAt(step).join(", ")}) = ${result(step)}`.replaceAll("-", "−");
  };
  player = makePlayer(root, { steps: 4, show, interval: 1100, label: "Pooling" });
  choices.forEach((one) => one.addEventListener("change", () => player.go(Number(root.querySelector(".player input").value))));
}
