// Plays the steps of an animation: buttons for play and pause, one step back or forward, and a slider for the keyboard.

const REDUCED_MOTION = matchMedia("(prefers-reduced-motion: reduce)");

// show(step) draws a step of 0 to steps - 1. With reduced motion nothing moves by itself before the reader presses play.
// After the last step comes the first again; with `once` it ends there, and play begins anew.
function makePlayer(root, { steps, show, interval = 900, label, once = false }) {
  const play = element("button", { type: "button", class: "play", "aria-pressed": "false" }, say(root, "player.play"));
  const back = element("button", { type: "button", class: "back", "aria-label": say(root, "player.back", { label }) }, "◀");
  const next = element("button", { type: "button", class: "next", "aria-label": say(root, "player.next", { label }) }, "▶");
  const slider = element("input", { type: "range", min: 0, max: steps - 1, value: 0, "aria-label": say(root, "player.step", { label }) });
  const controls = element("div", { class: "player", role: "group", "aria-label": label });
  controls.append(play, back, next, slider);
  root.append(controls);
  let timer = null, count = steps, step = 0;
  const go = (to) => {
    step = (to + count) % count;
    slider.value = step;
    show(step);
  };
  const pause = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = say(root, "player.play");
    play.setAttribute("aria-pressed", "false");
  };
  const start = () => {
    if (once && step === count - 1) go(0);
    timer = setInterval(() => { go(step + 1); if (once && step === count - 1) pause(); }, interval);
    play.textContent = say(root, "player.pause");
    play.setAttribute("aria-pressed", "true");
  };
  play.addEventListener("click", () => (timer ? pause() : start()));
  back.addEventListener("click", () => { pause(); go(step - 1); });
  next.addEventListener("click", () => { pause(); go(step + 1); });
  slider.addEventListener("input", () => { pause(); go(Number(slider.value)); });
  document.addEventListener("visibilitychange", () => document.hidden && pause());
  const player = { go, pause, start: () => timer || start(), resize: (newSteps) => { count = newSteps; slider.max = newSteps - 1; go(Math.min(step, newSteps - 1)); } };
  go(0);
  // It starts by itself once, when it is seen for the first time, and ends after one round.
  if (!REDUCED_MOTION.matches && "IntersectionObserver" in window && root.dataset.autoplay === "true") playOnce(root, player, start, () => step, () => count);
  return player;
}

function playOnce(root, player, start, step, count) {
  const observer = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    observer.disconnect();
    start();
    const watch = setInterval(() => {
      if (step() < count() - 1) return;
      player.pause();
      clearInterval(watch);
    }, 100);
    for (const event of ["click", "input"]) root.addEventListener(event, () => clearInterval(watch), { once: true });
  }, { threshold: 0.6 });
  observer.observe(root);
}
