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
    const first = (at[0] * canvas.width + at[1]) * 4, [r, g, b] = pixels.subarray(first, first + 3), sum = red * r + green * g + blue * b + bias * 255;
    about.textContent = `Pixel (${at[0]}, ${at[1]}): ${red}·${r} + ${green}·${g} + ${blue}·${b} + ${bias}·255 = ${sum.toFixed(1)}, after ReLU ${Math.max(0, sum).toFixed(1)}`.replaceAll("-", "−");
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
  canvas.addEventListener("pointermove", (event) => {
    const frame = canvas.getBoundingClientRect();
    at = [[event.clientY - frame.top, frame.height, canvas.height], [event.clientX - frame.left, frame.width, canvas.width]].map(([place, length, size]) => Math.min(size - 1, Math.max(0, Math.floor((place / length) * size))));
    draw();
  });
  root.querySelectorAll("button[data-weights]").forEach((button) => button.addEventListener("click", () => {
    button.dataset.weights.split(" ").forEach((weight, i) => { sliders[i].value = weight; });
    draw();
  }));
}
