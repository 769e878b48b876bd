// The four branches of an Inception module fill one volume, one after the other.

function startInception(root, { input, output, branches }) {
  const volume = root.querySelector(".volume"), about = root.querySelector(".about");
  const total = branches.reduce((sum, one) => sum + one.maps, 0), [height, width] = output.split("×");
  const parts = branches.map(({ name, maps }) => {
    const title = name === "pool" ? say(root, "inception.pool") : name.replace("x", "×");
    const part = element("span", { class: "part", style: `--share:${(100 * maps) / total}%` }, `${title}: ${maps}`);
    volume.append(part);
    return part;
  });
  const boxes = document.querySelectorAll(".module .op[data-branch]");
  const show = (step) => {
    parts.forEach((part, i) => { part.dataset.filled = String(i < step); });
    boxes.forEach((box) => { box.dataset.filled = String(Number(box.dataset.branch) < step); });
    if (!step) { about.textContent = say(root, "inception.start", { input }); return; }
    const done = branches.slice(0, step), sum = done.reduce((all, one) => all + one.maps, 0);
    const terms = step > 1 ? `${done.map((one) => one.maps).join(" + ")} = ${sum}` : sum;
    about.textContent = say(root, "inception.step", { terms, size: `${height}×${width}`, about: say(root, `branch.${branches[step - 1].name}`, branches[step - 1]) });
  };
  makePlayer(root, { steps: branches.length + 1, show, interval: 1600, label: say(root, "inception.label") });
}
