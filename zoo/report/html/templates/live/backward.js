// The gradient of the loss, cross-entropy of the softmax with one label, with respect to the output of every operation.

function backward(network, weights, image, outputs, label) {
  const gradients = network.operations.map(({ shape }) => new Float32Array(shape[0] * shape[1] * shape[2]));
  const shares = softmax(outputs.at(-1));
  gradients.at(-1).set(shares.map((share, i) => share - (i === label ? 1 : 0)));
  for (let index = network.operations.length - 1; index >= 0; index--) {
    const operation = network.operations[index];
    operation.inputs.forEach((from, position) => {
      if (from < 0) return;
      const shape = network.operations[from].shape;
      BACKWARD[operation.kind](operation, gradients[index], outputs[from], gradients[from], { weights, shape, output: outputs[index], position, network });
    });
  }
  return gradients;
}

// Each adds to `to`, the gradient of the input, what the gradient of the output gives.
const BACKWARD = {
  same: (operation, gradient, input, to) => gradient.forEach((value, i) => { to[i] += value; }),
  relu: (operation, gradient, input, to) => gradient.forEach((value, i) => { if (input[i] > 0) to[i] += value; }),
  dense: (operation, gradient, input, to, { weights }) => {
    const units = operation.shape[2];
    for (let i = 0; i < to.length; i++) for (let u = 0; u < units; u++) to[i] += gradient[u] * weights[operation.kernel[0] + i * units + u];
  },
  conv: (operation, gradient, input, to, { weights, shape }) => {
    const filters = operation.shape[2], { groups } = operation.window, depth = shape[2] / groups, perGroup = filters / groups;
    eachTap(operation, shape, (position, from, tap) => {
      for (let group = 0; group < groups; group++) for (let d = 0; d < depth; d++) {
        const at = operation.kernel[0] + (tap * depth + d) * filters + group * perGroup, first = position * filters + group * perGroup;
        let sum = 0;
        for (let f = 0; f < perGroup; f++) sum += gradient[first + f] * weights[at + f];
        to[from + group * depth + d] += sum;
      }
    });
  },
  // The first of equal values gets the gradient, as in JAX.
  max_pool: (operation, gradient, input, to, { shape, output }) => {
    const depth = operation.shape[2], given = new Uint8Array(output.length);
    eachTap(operation, shape, (position, from) => {
      for (let d = 0; d < depth; d++) {
        const place = position * depth + d;
        if (given[place] || input[from + d] !== output[place]) continue;
        given[place] = 1;
        to[from + d] += gradient[place];
      }
    });
  },
  avg_pool: (operation, gradient, input, to, { shape }) => {
    const depth = operation.shape[2], inside = new Float32Array(operation.shape[0] * operation.shape[1]);
    eachTap(operation, shape, (position) => { inside[position] += 1; });
    eachTap(operation, shape, (position, from) => { for (let d = 0; d < depth; d++) to[from + d] += gradient[position * depth + d] / inside[position]; });
  },
  global_avg_pool: (operation, gradient, input, to) => { const depth = operation.shape[2]; for (let i = 0; i < to.length; i++) to[i] += gradient[i % depth] / (to.length / depth); },
  concatenate: (operation, gradient, input, to, { shape, position, network }) => {
    const first = operation.inputs.slice(0, position).reduce((sum, from) => sum + network.operations[from].shape[2], 0), total = operation.shape[2];
    for (let p = 0; p < to.length / shape[2]; p++) for (let d = 0; d < shape[2]; d++) to[p * shape[2] + d] += gradient[p * total + first + d];
  },
};

// The products whose sum is the gradient of one weight of a convolution: at each position of the output, what the weight
// was multiplied by, times the gradient there.
function weightGradient(network, image, outputs, gradients, index, [i, j, d, unit]) {
  const operation = network.operations[index], { window, shape: [height, width, filters] } = operation, from = operation.inputs[0];
  const input = from < 0 ? image : outputs[from], shape = from < 0 ? network.image : network.operations[from].shape, terms = [];
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const row = y * window.stride[0] - window.pads[0][0] + i * window.dilation[0], column = x * window.stride[1] - window.pads[1][0] + j * window.dilation[1];
    const inside = row >= 0 && column >= 0 && row < shape[0] && column < shape[1];
    terms.push({ row: y, column: x, value: inside ? input[(row * shape[1] + column) * shape[2] + d] : 0, gradient: gradients[index][(y * width + x) * filters + unit] });
  }
  return { terms, sum: terms.reduce((all, one) => all + one.value * one.gradient, 0) };
}
