// The four branches of an Inception module fill one volume, one after the other.

function startInception(root, branches) {
  const volume = root.querySelector(".volume"), about = root.querySelector(".about");
  const total = branches.reduce((sum, one) => sum + one.maps, 0);
  const parts = branches.map(({ name, maps }) => {
    const part = element("span", { class: "part", style: `--share:${(100 * maps) / total}%` }, `${name}: ${maps}`);
    volume.append(part);
    return part;
  });
  const show = (step) => {
    parts.forEach((part, i) => { part.dataset.filled = String(i < step); });
    const done = branches.slice(0, step), sum = done.reduce((all, one) => all + one.maps, 0);
    about.textContent = step ? `${done.map((one) => one.maps).join(" + ")} = ${sum} maps of 28×28. ${branches[step - 1].about}` : "Four branches see the same 28×28×192 input. None of them changes its height and width.";
  };
  makePlayer(root, { steps: branches.length + 1, show, interval: 1600, label: "Inception module" });
}
