// Choosing a position of a pooling output marks its window in the input and shows the calculation.

function startPooling(figure) {
  const [height, width] = figure.dataset.window.split(" ").map(Number);
  const input = figure.querySelector(".grid.input"), calculation = figure.querySelector(".calculation");
  const positions = [...figure.querySelectorAll(".grid.output td")];
  const show = (position) => {
    const row = Number(position.dataset.row), column = Number(position.dataset.column);
    const isMax = position.dataset.calculation.startsWith("max");
    [...input.rows].forEach((line, i) => [...line.cells].forEach((cell, j) => {
      const inWindow = i >= row && i < row + height && j >= column && j < column + width;
      cell.classList.toggle("in-window", inWindow);
      cell.classList.toggle("maximum", inWindow && isMax && cell.textContent === position.textContent);
    }));
    positions.forEach((one) => one.classList.toggle("selected", one === position));
    calculation.textContent = position.dataset.calculation;
  };
  for (const position of positions) {
    const button = element("button", { type: "button" }, position.textContent);
    position.replaceChildren(button);
    for (const event of ["pointerenter", "click"]) position.addEventListener(event, () => show(position));
    button.addEventListener("focus", () => show(position));
  }
  show(positions[0]);
}
