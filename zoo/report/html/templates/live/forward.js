// A network's forward pass. A value is a Float32Array [height, width, depth], depth fastest, as in JAX.
// The network is that of zoo/report/live/live_network.py.

// Little-endian float16 in base64 as a Float32Array.
function decodeWeights(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const halves = new DataView(bytes.buffer), numbers = new Float32Array(bytes.length / 2);
  for (let i = 0; i < numbers.length; i++) numbers[i] = fromHalf(halves.getUint16(2 * i, true));
  return numbers;
}

function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -14 * (fraction / 1024);
}

// The output of each operation for an image. `off` has "operation:unit" or "operation" of what is switched off.
function forward(network, weights, image, off = new Set()) {
  const outputs = [];
  const valueOf = (index) => (index < 0 ? { data: image, shape: network.image } : { data: outputs[index], shape: network.operations[index].shape });
  network.operations.forEach((operation, index) => {
    const inputs = operation.inputs.map(valueOf);
    outputs.push(switchOff(KINDS[operation.kind](operation, inputs, weights), operation.shape[2], index, off));
  });
  return outputs;
}

function switchOff(values, depth, index, off) {
  for (let unit = 0; unit < depth; unit++) {
    if (!off.has(`${index}`) && !off.has(`${index}:${unit}`)) continue;
    for (let i = unit; i < values.length; i += depth) values[i] = 0;
  }
  return values;
}

const KINDS = {
  conv: convolve,
  dense: multiplyMatrix,
  relu: (operation, [input]) => input.data.map((value) => Math.max(0, value)),
  same: (operation, [input]) => input.data.slice(),
  concatenate: joinDepths,
  max_pool: (operation, [input]) => pool(operation, input, Math.max, -Infinity, (all) => all),
  avg_pool: averagePool,
  global_avg_pool: globalMean,
};

// Calls take(outputIndex, inputIndex, tapIndex) for every position of the output and every tap of its window that is inside.
function eachTap({ shape, window }, inputShape, take) {
  const [height, width] = shape, [rows, columns, depth] = inputShape, [tall, wide] = window.size;
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    for (let i = 0; i < tall; i++) for (let j = 0; j < wide; j++) {
      const row = y * window.stride[0] - window.pads[0][0] + i * window.dilation[0];
      const column = x * window.stride[1] - window.pads[1][0] + j * window.dilation[1];
      if (row < 0 || column < 0 || row >= rows || column >= columns) continue;
      take(y * width + x, (row * columns + column) * depth, i * wide + j);
    }
  }
}

function convolve(operation, [input], weights) {
  const [height, width, filters] = operation.shape, output = new Float32Array(height * width * filters);
  const depth = input.shape[2] / operation.window.groups, perGroup = filters / operation.window.groups, kernel = operation.kernel[0];
  if (operation.bias) {
    const bias = weights.subarray(operation.bias[0], operation.bias[0] + filters);
    for (let i = 0; i < output.length; i += filters) output.set(bias, i);
  }
  eachTap(operation, input.shape, (position, from, tap) => {
    for (let group = 0; group < operation.window.groups; group++) {
      const to = position * filters + group * perGroup;
      for (let d = 0; d < depth; d++) {
        const value = input.data[from + group * depth + d];
        if (value === 0) continue;
        const at = kernel + (tap * depth + d) * filters + group * perGroup;
        for (let f = 0; f < perGroup; f++) output[to + f] += value * weights[at + f];
      }
    }
  });
  return output;
}

function multiplyMatrix(operation, [input], weights) {
  const units = operation.shape[2], output = new Float32Array(units);
  if (operation.bias) output.set(weights.subarray(operation.bias[0], operation.bias[0] + units));
  input.data.forEach((value, i) => {
    if (value) for (let u = 0; u < units; u++) output[u] += value * weights[operation.kernel[0] + i * units + u];
  });
  return output;
}

function pool(operation, input, combine, start, finish) {
  const depth = operation.shape[2], output = new Float32Array(operation.shape[0] * operation.shape[1] * depth).fill(start);
  eachTap(operation, input.shape, (position, from) => {
    for (let d = 0; d < depth; d++) output[position * depth + d] = combine(output[position * depth + d], input.data[from + d]);
  });
  return finish(output);
}

// The mean over the positions that are inside the input.
function averagePool(operation, [input]) {
  const depth = operation.shape[2], inside = new Float32Array(operation.shape[0] * operation.shape[1]);
  eachTap(operation, input.shape, (position) => { inside[position] += 1; });
  return pool(operation, input, (sum, value) => sum + value, 0, (sums) => sums.map((sum, i) => sum / inside[Math.floor(i / depth)]));
}

function globalMean(operation, [input]) {
  const depth = operation.shape[2], output = new Float32Array(depth);
  input.data.forEach((value, i) => { output[i % depth] += value; });
  return output.map((sum) => sum / (input.data.length / depth));
}

function joinDepths(operation, inputs) {
  const positions = operation.shape[0] * operation.shape[1], output = new Float32Array(positions * operation.shape[2]);
  let first = 0;
  for (const { data, shape: [, , depth] } of inputs) {
    for (let p = 0; p < positions; p++) output.set(data.subarray(p * depth, (p + 1) * depth), p * operation.shape[2] + first);
    first += depth;
  }
  return output;
}

function softmax(logits) {
  const highest = Math.max(...logits), powers = Array.from(logits, (value) => Math.exp(value - highest));
  const sum = powers.reduce((all, one) => all + one, 0);
  return powers.map((one) => one / sum);
}

// How one value comes about: the values of the input that it is made of, with their weights where there are any. Of a
// convolution and a dense layer the sum of products with the bias is the value; of a pool the largest term, or the mean.
function explainValue(network, weights, image, outputs, index, row, column, unit) {
  const operation = network.operations[index], { from, depth: inputUnit } = sourceOf(network, operation, unit);
  const input = from < 0 ? image : outputs[from], shape = from < 0 ? network.image : network.operations[from].shape;
  const bias = operation.bias ? weights[operation.bias[0] + unit] : 0;
  if (operation.kind === "dense") {
    const units = operation.shape[2];
    const terms = Array.from(input, (value, i) => ({ row: 0, column: 0, depth: i, value, weight: weights[operation.kernel[0] + i * units + unit] }));
    return { from, shape: [1, 1, input.length], bias, terms };
  }
  if (operation.window) return { from, shape, bias, terms: windowTerms(operation, weights, input, shape, row, column, unit) };
  const term = (y, x) => ({ row: y, column: x, depth: inputUnit, value: input[(y * shape[1] + x) * shape[2] + inputUnit], weight: null });
  const whole = operation.kind === "global_avg_pool";
  return { from, shape, bias: 0, terms: whole ? Array.from({ length: shape[0] * shape[1] }, (_, i) => term(Math.floor(i / shape[1]), i % shape[1])) : [term(row, column)] };
}

// The operation whose values an operation reads, and the unit there: of those that are joined, the one with this unit.
function sourceOf(network, operation, unit) {
  if (operation.kind !== "concatenate") return { from: operation.inputs[0], depth: unit };
  let depth = unit;
  for (const from of operation.inputs) {
    const units = from < 0 ? network.image[2] : network.operations[from].shape[2];
    if (depth < units) return { from, depth };
    depth -= units;
  }
  return null;
}

function windowTerms({ window, kernel, shape: [, , filters], kind }, weights, input, shape, row, column, unit) {
  const isConv = kind === "conv", depth = isConv ? shape[2] / window.groups : 1, terms = [];
  const first = isConv ? Math.floor(unit / (filters / window.groups)) * depth : unit;
  for (let i = 0; i < window.size[0]; i++) for (let j = 0; j < window.size[1]; j++) for (let d = 0; d < depth; d++) {
    const y = row * window.stride[0] - window.pads[0][0] + i * window.dilation[0];
    const x = column * window.stride[1] - window.pads[1][0] + j * window.dilation[1];
    const inside = y >= 0 && x >= 0 && y < shape[0] && x < shape[1];
    if (!inside && !isConv) continue;
    const weight = isConv ? weights[kernel[0] + ((i * window.size[1] + j) * depth + d) * filters + unit] : null;
    terms.push({ row: y, column: x, depth: first + d, value: inside ? input[(y * shape[1] + x) * shape[2] + first + d] : 0, weight });
  }
  return terms;
}
