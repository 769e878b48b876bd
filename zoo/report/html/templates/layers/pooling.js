// A place of a pool's output shows the window that it comes from.

function startPool(figure) {
  const [high, wide] = figure.dataset.window.split(" ").map(Number);
  const input = figure.querySelector(".grid.input"), line = figure.querySelector(".worked-line");
  const places = [...figure.querySelectorAll(".grid.output td")];
  const show = (place) => {
    const row = Number(place.dataset.row), column = Number(place.dataset.column);
    [...input.rows].forEach((cells, i) => [...cells.cells].forEach((cell, j) => {
      const inside = i >= row && i < row + high && j >= column && j < column + wide;
      cell.classList.toggle("inside", inside);
      cell.classList.toggle("taken", inside && place.dataset.worked.startsWith("max") && cell.textContent === place.textContent);
    }));
    places.forEach((one) => one.classList.toggle("chosen", one === place));
    line.textContent = place.dataset.worked;
  };
  for (const place of places) {
    const button = element("button", { type: "button" }, place.textContent);
    place.replaceChildren(button);
    for (const event of ["pointerenter", "click"]) place.addEventListener(event, () => show(place));
    button.addEventListener("focus", () => show(place));
  }
  show(places[0]);
}
