// Everything above, on this page. Without a script the page says the same, only nothing moves.

for (const part of document.querySelectorAll(".with-script")) part.hidden = false;
for (const part of document.querySelectorAll(".without-script")) part.hidden = true;
startPanels(document.getElementById("table"), JSON.parse(document.getElementById("data").textContent));
startTable(document.getElementById("table"));
startExample(document.getElementById("example-form"));
document.querySelectorAll("figure.pool").forEach(startPool);
if (location.hash.startsWith("#layer-")) document.querySelector("#formulas details").open = true;

// What is closed prints as well: the styles see to that, but not in older browsers.
const closed = [];
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details:not([open])")) { part.open = true; closed.push(part); }
});
addEventListener("afterprint", () => closed.splice(0).forEach((part) => { part.open = false; }));
