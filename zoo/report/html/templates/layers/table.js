// The table of layers: blocks that open, columns that sort, rows that are found.

const MANY = 40;

function startTable(table) {
  const bodies = [...table.tBodies], rows = [...table.querySelectorAll("tr.layer")];
  const status = document.getElementById("table-status"), all = document.getElementById("toggle-all");
  const home = new Map(rows.map((row) => [row, row.parentNode]));
  const flat = element("tbody", { id: "flat", class: "single" });
  const state = { flat: false, key: "order", down: false, quiet: false, find: "" };
  const groups = bodies.filter((body) => body.querySelector("tr.block"));

  const isOpen = (body) => body.dataset.open === "yes";
  function open(body, yes) {
    body.dataset.open = yes ? "yes" : "no";
    const button = body.querySelector("tr.block button");
    if (button) button.setAttribute("aria-expanded", String(yes));
  }

  for (const body of groups) {
    const title = body.querySelector(".block-title"), button = element("button", { type: "button" });
    button.append(...title.childNodes);
    title.append(button);
    button.addEventListener("click", () => { open(body, !isOpen(body)); draw(); });
  }
  const opened = rows.length <= MANY;
  groups.forEach((body) => open(body, opened));

  for (const head of table.tHead.querySelectorAll("th[data-key]")) {
    const button = element("button", { type: "button" });
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const key = head.dataset.key;
      // Numbers begin with the largest, names with the first.
      if (state.key === key) state.down = !state.down;
      else Object.assign(state, { key, down: key !== "order" });
      draw();
      status.textContent = `Sorted by ${head.textContent.trim()}, ${state.down ? "largest" : "first or smallest"} first.`;
    });
  }

  const column = { values: 2, parameters: 3, macs: 4, field: 5 };
  const order = (part) => Number(part.dataset.order ?? part.dataset.n);
  function value(row) {
    return state.key === "order" ? order(row) : Number(row.cells[column[state.key]].dataset.v);
  }
  const sorted = (parts, measure) => [...parts].sort((a, b) => (state.down ? -1 : 1) * (measure(a) - measure(b)) || order(a) - order(b));

  const matches = (row) => !state.find || row.dataset.text.includes(state.find);
  for (const row of rows) {
    const block = home.get(row).querySelector(".block-title");
    row.dataset.text = `${block ? block.textContent + "/" : ""}${row.cells[0].textContent} ${row.cells[1].textContent}`.toLowerCase();
    if (block) row.cells[0].prepend(element("span", { class: "within" }, `${block.textContent}/`));
  }

  function draw() {
    closePanel();
    table.classList.toggle("flat", state.flat);
    for (const row of rows) {
      row.hidden = !matches(row) || (row.classList.contains("quiet") && !state.quiet && !state.find);
      row.classList.toggle("unfound", !matches(row));
    }
    if (state.flat) {
      flat.replaceChildren(...sorted(rows, value));
      bodies.forEach((body) => body.remove());
      table.tHead.after(flat);
    } else {
      flat.remove();
      for (const body of bodies) {
        const inside = rows.filter((row) => home.get(row) === body);
        body.append(...sorted(inside, value));
        const shown = inside.some((row) => !row.hidden);
        body.hidden = !shown;
        body.classList.toggle("unfound", !inside.some(matches));
        if (body.querySelector("tr.block") && !isOpen(body) && !state.find) inside.forEach((row) => { row.hidden = true; });
      }
      let last = table.tHead;
      const first = (body) => (state.key === "order" ? order(body) : value(body.rows[0]));
      for (const body of sorted(bodies, first)) { last.after(body); last = body; }
    }
    for (const head of table.tHead.querySelectorAll("th[data-key]")) {
      head.setAttribute("aria-sort", head.dataset.key !== state.key ? "none" : state.down ? "descending" : "ascending");
    }
    all.hidden = state.flat || !groups.length;
    all.textContent = groups.every(isOpen) ? "Close all blocks" : "Open all blocks";
  }

  all.addEventListener("click", () => { const yes = !groups.every(isOpen); groups.forEach((body) => open(body, yes)); draw(); });
  document.getElementById("quiet").addEventListener("change", (event) => { state.quiet = event.target.checked; draw(); });
  const searched = document.getElementById("find");
  function find() {
    state.find = searched.value.trim().toLowerCase();
    draw();
    status.textContent = state.find ? `${rows.filter(matches).length} of ${rows.length} layers` : "";
  }
  searched.addEventListener("input", find);
  for (const choice of document.querySelectorAll('input[name="view"]')) {
    choice.addEventListener("change", () => { state.flat = choice.value === "flat"; draw(); });
  }
  // A picture of the strip opens its block.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#block-"]');
    if (!link) return;
    if (state.flat) document.querySelector('input[name="view"][value="blocks"]').click();
    searched.value = "";
    find();
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
