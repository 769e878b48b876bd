// Starts all scripts of the page. Without scripts the page has the same content, but nothing is interactive.

for (const part of document.querySelectorAll(".with-script")) part.hidden = false;
for (const part of document.querySelectorAll(".without-script")) part.hidden = true;
startPanels(document.getElementById("table"), JSON.parse(document.getElementById("data").textContent));
startTable(document.getElementById("table"));
startConvolution(document.getElementById("convolution-form"));
document.querySelectorAll("figure.pooling").forEach(startPooling);
// A small network with weights computes in the page.
const livePanel = document.getElementById("live");
if (livePanel) {
  const { live, colours } = JSON.parse(document.getElementById("data").textContent);
  startLive(livePanel, live, colours);
}
startFolds(document.querySelectorAll("details.fold"));

// Closed parts are printed too. The styles do this, but not in older browsers.
const closedParts = [];
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details:not([open])")) { part.open = true; closedParts.push(part); }
});
addEventListener("afterprint", () => closedParts.splice(0).forEach((part) => { part.open = false; }));
