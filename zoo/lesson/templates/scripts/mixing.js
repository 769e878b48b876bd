// A 1x1 convolution: each pixel's channels, times one weight each, plus a bias. The picture is computed again for each weight.

function startMixing(root, picture) {
  const canvas = root.querySelector("canvas"), source = document.createElement("canvas"), about = root.querySelector(".terms");
  const sliders = [...root.querySelectorAll("input[type=range]")], image = new Image();
  let pixels = null, at = [40, 40];
  const draw = () => {
    if (!pixels) return;
    const [red, green, blue, bias] = sliders.map((one) => Number(one.value)), context = canvas.getContext("2d");
    const mixed = context.createImageData(canvas.width, canvas.height);
    for (let i = 0; i < pixels.length; i += 4) {
      const value = Math.max(0, red * pixels[i] + green * pixels[i + 1] + blue * pixels[i + 2] + bias * 255);
      mixed.data.set([value, value, value, 255], i);
    }
    context.putImageData(mixed, 0, 0);
    const first = (at[0] * canvas.width + at[1]) * 4, [r, g, b] = pixels.subarray(first, first + 3), total = red * r + green * g + blue * b + bias * 255;
    const sum = `${signed(red)}·${r} + ${signed(green)}·${g} + ${signed(blue)}·${b} + ${signed(bias)}·255 = ${total.toFixed(1)}`.replaceAll("-", "−");
    about.textContent = say(root, "mixing.pixel", { row: at[0], column: at[1], sum, value: Math.max(0, total).toFixed(1) });
    context.strokeStyle = "#ffb000";
    context.strokeRect(at[1] - 1.5, at[0] - 1.5, 4, 4);
  };
  const choose = (row, column) => {
    at = [[row, canvas.height], [column, canvas.width]].map(([place, size]) => Math.min(size - 1, Math.max(0, Math.floor(place))));
    draw();
  };
  image.addEventListener("load", () => {
    Object.assign(source, { width: image.naturalWidth, height: image.naturalHeight });
    Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
    source.getContext("2d").drawImage(image, 0, 0);
    pixels = source.getContext("2d").getImageData(0, 0, source.width, source.height).data;
    draw();
  });
  image.src = picture;
  sliders.forEach((one) => one.addEventListener("input", draw));
  for (const name of ["pointerdown", "pointermove"]) canvas.addEventListener(name, (event) => {
    const frame = canvas.getBoundingClientRect();
    choose(((event.clientY - frame.top) / frame.height) * canvas.height, ((event.clientX - frame.left) / frame.width) * canvas.width);
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [-4, 0], ArrowDown: [4, 0], ArrowLeft: [0, -4], ArrowRight: [0, 4] }[event.key];
    if (!step) return;
    choose(at[0] + step[0], at[1] + step[1]);
    event.preventDefault();
  });
  root.querySelectorAll("button[data-weights]").forEach((button) => button.addEventListener("click", () => {
    button.dataset.weights.split(" ").forEach((weight, i) => { sliders[i].value = weight; });
    draw();
  }));
}
