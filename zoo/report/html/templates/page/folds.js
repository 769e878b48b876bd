// On a phone some parts are closed at first; a link to a section opens its parts. Wide screens show all of them.

function startFolds(folds) {
  const narrow = matchMedia("(max-width: 40rem)");
  const fit = () => folds.forEach((fold) => { fold.open = !narrow.matches; });
  function reveal() {
    const target = document.getElementById(location.hash.slice(1)), section = target && target.closest("main > section");
    if (target && target.matches(".layer-formulas")) target.closest("details").open = true;
    if (section) section.querySelectorAll("details.fold").forEach((fold) => { fold.open = true; });
    if (target) target.scrollIntoView();
  }
  narrow.addEventListener("change", fit);
  addEventListener("hashchange", reveal);
  fit();
  if (location.hash) reveal();
}
