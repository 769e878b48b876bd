// The table of networks: rows that have all words of the filter are shown; a click on a title sorts by that column.
(() => {
  const table = document.getElementById("network-table");
  if (!table) return;
  const filter = document.getElementById("network-filter");
  const count = document.getElementById("network-count");
  const body = table.tBodies[0];
  // A number is found as a whole, such as a year: parts of it are in too many counts.
  const searched = (row) => {
    const [numbers, texts] = [true, false].map((number) => [...row.cells].filter((cell) => "number" in cell.dataset === number));
    const text = texts.map((cell) => cell.textContent.toLowerCase()).join(" ");
    return { row, text, numbers: numbers.map((cell) => cell.dataset.number) };
  };
  const rows = [...body.rows].map(searched);

  const show = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { row, text, numbers } of rows) {
      row.hidden = !words.every((word) => text.includes(word) || numbers.includes(word));
    }
    const shown = rows.filter(({ row }) => !row.hidden).length;
    count.textContent = `${shown} of ${rows.length} networks`;
  };

  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.number === undefined ? cell.textContent.toLowerCase() : Number(cell.dataset.number);
  };

  const sort = (column, direction) => {
    const key = (a, b) => {
      const [left, right] = [value(a.row, column), value(b.row, column)];
      return typeof left === "number" ? left - right : left.localeCompare(right, "en", { numeric: true });
    };
    rows.sort((a, b) => direction * key(a, b));
    body.append(...rows.map(({ row }) => row));
  };

  const titles = [...table.tHead.rows[0].cells];
  titles.forEach((title, column) => {
    title.firstElementChild.addEventListener("click", () => {
      const ascending = title.getAttribute("aria-sort") !== "ascending";
      for (const other of titles) other.removeAttribute("aria-sort");
      title.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      sort(column, ascending ? 1 : -1);
    });
  });

  // A link may name what to show: networks.html?q=resnet
  filter.value = new URLSearchParams(location.search).get("q") ?? "";
  filter.addEventListener("input", show);
  show();
})();
