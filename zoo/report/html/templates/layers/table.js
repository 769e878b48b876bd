// The table of layers: blocks open and close, columns sort, layers are searched.

// With at most this many layers all blocks are open at first.
const MAX_OPEN_LAYERS = 40;

function startTable(table) {
  const bodies = [...table.tBodies], rows = [...table.querySelectorAll("tr.layer")];
  const status = document.getElementById("table-status"), all = document.getElementById("toggle-all");
  const bodyOf = new Map(rows.map((row) => [row, row.parentNode]));
  const flat = element("tbody", { id: "flat", class: "single" });
  const state = { flat: false, key: "order", descending: false, minor: false, search: "" };
  const blocks = bodies.filter((body) => body.querySelector("tr.block"));

  const isOpen = (body) => body.dataset.open === "yes";
  function open(body, yes) {
    body.dataset.open = yes ? "yes" : "no";
    const button = body.querySelector("tr.block button");
    if (button) button.setAttribute("aria-expanded", String(yes));
  }

  for (const body of blocks) {
    const title = body.querySelector(".block-title"), button = element("button", { type: "button" });
    button.append(...title.childNodes);
    title.append(button);
    button.addEventListener("click", () => { open(body, !isOpen(body)); draw(); });
  }
  const opened = rows.length <= MAX_OPEN_LAYERS;
  blocks.forEach((body) => open(body, opened));

  for (const head of table.tHead.querySelectorAll("th[data-key]")) {
    const button = element("button", { type: "button" });
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const key = head.dataset.key;
      // Numbers start with the largest.
      if (state.key === key) state.descending = !state.descending;
      else Object.assign(state, { key, descending: key !== "order" });
      draw();
      status.textContent = `Sorted by ${head.textContent.trim()}, ${state.descending ? "descending" : "ascending"}.`;
    });
  }

  const column = { values: 2, parameters: 3, macs: 4, field: 5 };
  const order = (part) => Number(part.dataset.order ?? part.dataset.index);
  function value(row) {
    return state.key === "order" ? order(row) : Number(row.cells[column[state.key]].dataset.value);
  }
  const sorted = (parts, measure) => [...parts].sort((a, b) => (state.descending ? -1 : 1) * (measure(a) - measure(b)) || order(a) - order(b));

  const matches = (row) => !state.search || row.dataset.text.includes(state.search);
  for (const row of rows) {
    const block = bodyOf.get(row).querySelector(".block-title");
    row.dataset.text = `${block ? block.textContent + "/" : ""}${row.cells[0].textContent} ${row.cells[1].textContent}`.toLowerCase();
    if (block) row.cells[0].prepend(element("span", { class: "block-prefix" }, `${block.textContent}/`));
  }

  function draw() {
    closePanel();
    table.classList.toggle("flat", state.flat);
    for (const row of rows) {
      row.hidden = !matches(row) || (row.classList.contains("minor") && !state.minor && !state.search);
      row.classList.toggle("not-found", !matches(row));
    }
    if (state.flat) {
      flat.replaceChildren(...sorted(rows, value));
      bodies.forEach((body) => body.remove());
      table.tHead.after(flat);
    } else {
      flat.remove();
      for (const body of bodies) {
        const inside = rows.filter((row) => bodyOf.get(row) === body);
        body.append(...sorted(inside, value));
        const shown = inside.some((row) => !row.hidden);
        body.hidden = !shown;
        body.classList.toggle("not-found", !inside.some(matches));
        if (body.querySelector("tr.block") && !isOpen(body) && !state.search) inside.forEach((row) => { row.hidden = true; });
      }
      let last = table.tHead;
      const first = (body) => (state.key === "order" ? order(body) : value(body.rows[0]));
      for (const body of sorted(bodies, first)) { last.after(body); last = body; }
    }
    for (const head of table.tHead.querySelectorAll("th[data-key]")) {
      head.setAttribute("aria-sort", head.dataset.key !== state.key ? "none" : state.descending ? "descending" : "ascending");
    }
    all.hidden = state.flat || !blocks.length;
    all.textContent = blocks.every(isOpen) ? "Close all blocks" : "Open all blocks";
  }

  all.addEventListener("click", () => { const yes = !blocks.every(isOpen); blocks.forEach((body) => open(body, yes)); draw(); });
  document.getElementById("show-minor").addEventListener("change", (event) => { state.minor = event.target.checked; draw(); });
  const searchField = document.getElementById("find");
  function search() {
    state.search = searchField.value.trim().toLowerCase();
    draw();
    status.textContent = state.search ? `${rows.filter(matches).length} found` : "";
  }
  searchField.addEventListener("input", search);
  for (const choice of document.querySelectorAll('input[name="view"]')) {
    choice.addEventListener("change", () => { state.flat = choice.value === "flat"; draw(); });
  }
  // A block of the diagram opens its rows in the table.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#block-"]');
    if (!link) return;
    if (state.flat) document.querySelector('input[name="view"][value="blocks"]').click();
    searchField.value = "";
    search();
    const body = bodies.find((one) => `#${one.id}` === link.getAttribute("href"));
    open(body, true);
    draw();
    const target = body.querySelector("button, a");
    target.focus({ preventScroll: true });
    body.scrollIntoView({ block: "center" });
    event.preventDefault();
  });
  draw();
}
