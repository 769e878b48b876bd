// Everything above, on this page. Without a script the page says the same, only nothing moves.

for (const part of document.querySelectorAll(".with-script")) part.hidden = false;
for (const part of document.querySelectorAll(".without-script")) part.hidden = true;
startPanels(document.getElementById("table"), JSON.parse(document.getElementById("data").textContent));
startTable(document.getElementById("table"));
startExample(document.getElementById("example-form"));
document.querySelectorAll("figure.pool").forEach(startPool);
// Closed formulas print as well.
const formulas = document.querySelector("#formulas details");
if (location.hash.startsWith("#layer-")) formulas.open = true;
