// A question takes an answer, says right or what went wrong, and works the formula. Its sizes can be changed.

const digitsOf = (text) => text.toLowerCase().replaceAll("×", "x").replaceAll("−", "-").replace(/\s+/g, "");
const numbersOf = (text) => (digitsOf(text).match(/-?\d+(\.\d+)?/g) || []).map(Number);

function startQuiz(form, grid) {
  const { kind, mode } = form.dataset, reply = form.querySelector(".reply"), worked = form.querySelector(".worked-answer");
  const sizes = () => Object.fromEntries([...form.querySelectorAll(".sizes input")].map((field) => [field.name, boundedValue(field)]));
  const check = () => {
    const given = form.elements.answer.value, { verdict, text } = judge(kind, sizes(), mode, given, grid);
    form.dataset.verdict = verdict;
    reply.textContent = text;
    if (verdict !== "empty") worked.querySelector("summary").textContent = "The way to the answer";
    writeWorked();
  };
  const writeWorked = () => { worked.querySelector("p").textContent = QUIZZES[kind].worked(sizes(), mode, grid); };
  form.addEventListener("submit", (event) => { event.preventDefault(); check(); });
  form.addEventListener("input", ({ target }) => {
    if (!target.closest(".sizes")) return;
    reply.textContent = "";
    delete form.dataset.verdict;
    writeWorked();
  });
  showBoundedValues(form);
}

// {verdict: "empty", "unreadable", "right", "wrong" or "impossible", text}.
function judge(kind, sizes, mode, given, grid) {
  const quiz = QUIZZES[kind], expected = quiz.answer(sizes, mode, grid);
  if (!given.trim()) return { verdict: "empty", text: `Type an answer, such as ${quiz.example}.` };
  if (expected === null) return { verdict: "impossible", text: "The filter is larger than the padded input: there is no output. Change a size." };
  const right = numbersOf(expected), found = numbersOf(kind.startsWith("macs") || kind.startsWith("parameters") ? given.replaceAll(",", "") : given);
  if (!found.length) return { verdict: "unreadable", text: `That has no number in it. The format is ${quiz.example}.` };
  if (sameNumbers(found, right)) return { verdict: "right", text: `Right: ${expected.replaceAll("x", "×")}.` };
  const mistakes = quiz.mistakes(sizes, mode, grid).filter(([answer]) => answer !== null && sameNumbers(found, numbersOf(answer)));
  // Two mistakes may have the same result.
  if (mistakes.length) return { verdict: "wrong", text: `Not quite: ${mistakes.map(([, why]) => why).join(" Or: ")}` };
  if (found.length !== right.length) return { verdict: "wrong", text: `Not quite: the answer has ${right.length === 1 ? "one number" : `${right.length} numbers`}, such as ${quiz.example}.` };
  return { verdict: "wrong", text: quiz.hint };
}

const sameNumbers = (one, other) => one.length === other.length && one.every((value, i) => Math.abs(value - other[i]) < 5e-4);

const squareWindow = (sizes) => ({
  input_shape: [sizes.size, sizes.size, sizes.depth ?? 1], kernel: [sizes.kernel, sizes.kernel], stride: [sizes.stride ?? 1, sizes.stride ?? 1],
  dilation: [1, 1], groups: 1, filters: sizes.filters ?? sizes.depth ?? 1, bias: true,
});
const shapeOf = (sizes, mode) => { const window = squareWindow(sizes); return outputShape(window, paddingOf(mode, sizes.padding ?? 0, window)); };
const written = (shape) => shape && shape.join("x");
const filterWeights = (sizes) => sizes.kernel * sizes.kernel * sizes.depth;
const unshared = (sizes, mode, bias = 1) => { const shape = shapeOf(sizes, mode); return shape && String((filterWeights(sizes) + bias) * product(shape)); };
const directMultiplies = (sizes, depth = sizes.depth) => sizes.size * sizes.size * sizes.filters * sizes.kernel * sizes.kernel * depth;
const reduction = (sizes) => sizes.size * sizes.size * sizes.reduced * sizes.depth;

function workedSize(sizes, mode) {
  const { size, kernel, stride } = sizes, padding = mode === "explicit" ? sizes.padding : 0;
  if (mode === "SAME") return `⌈${size} / ${stride}⌉ = ${Math.ceil(size / stride)}`;
  return `⌊(${size} − ${kernel} + 2·${padding}) / ${stride}⌋ + 1 = ${Math.floor((size - kernel + 2 * padding) / stride) + 1}`;
}

// Wrong shapes that come from one mistake each, with what went wrong.
function shapeMistakes(sizes, mode, depth) {
  const shape = shapeOf(sizes, mode);
  if (!shape) return [];
  const other = (changes, otherMode = mode) => { const made = shapeOf({ ...sizes, ...changes }, otherMode); return made && [...made.slice(0, 2), depth].join("x"); };
  const mistakes = [
    [`1x${written(shape)}`, "that is the shape with the batch in front. One image is asked for, so leave out the 1."],
    [[...shape.slice(0, 2), sizes.depth].join("x"), "the depth is not that of the input: there is one map for each filter."],
    [other({ stride: 1 }), "the stride was left out. The filter moves by the stride, so there are fewer positions."],
    [shape.map((value, i) => (i < 2 ? value - 1 : value)).join("x"), "the + 1 at the end of the formula was left out. The first position counts too."],
    [written([shape[0], shape[1]]), "height and width are right; the depth is missing."],
    [[depth, shape[0], shape[1]].join("x"), "the numbers are right, their order is not: height, width, depth."],
  ];
  if (mode === "explicit" && sizes.padding) {
    mistakes.push([other({ padding: 0 }), "the padding was forgotten. It adds to both sides, so the size grows by 2P."]);
    mistakes.push([[0, 1].map(() => Math.floor((sizes.size - sizes.kernel + sizes.padding) / sizes.stride) + 1).concat(depth).join("x"), "the padding was added on one side only. It is on both: 2P."]);
    mistakes.push([other({}, "SAME"), "that is what SAME padding gives. Here the padding is a number."]);
  }
  if (mode === "SAME") mistakes.push([other({}, "VALID"), "that is the answer for VALID. SAME pads, so that only the stride reduces the size."]);
  if (mode === "VALID") mistakes.push([other({}, "SAME"), "that is the answer for SAME. VALID has no padding: the filter stays inside."]);
  return mistakes.filter(([answer]) => answer !== written(shape));
}

const shapeHint = "Not quite. Put the numbers into ⌊(W − F + 2P) / S⌋ + 1 for height and width; the depth follows from the layer.";

const QUIZZES = {
  grid_shape: {
    example: "4x4", hint: "Not quite. How many places can the filter stand at, from left to right?",
    answer: (sizes, mode) => { const shape = shapeOf(sizes, mode); return shape && written(shape.slice(0, 2)); },
    mistakes: (sizes, mode) => {
      const shape = shapeOf(sizes, mode), less = shape && shape[0] - 1;
      return [[`${less}x${less}`, "count the first position too: the filter already stands there before it moves."], [`${sizes.size}x${sizes.size}`, "that would need padding. Without it the filter stays inside, and the output is smaller."], shape && [`${shape[0]}`, "that is one side: the answer has a width and a height, such as 4x4."]].filter(Boolean);
    },
    worked: (sizes, mode) => `height and width: ${workedSize(sizes, mode)}`,
  },
  conv_shape: {
    example: "9x9x5", hint: shapeHint,
    answer: (sizes, mode) => written(shapeOf(sizes, mode)),
    mistakes: (sizes, mode) => shapeMistakes(sizes, mode, sizes.filters),
    worked: (sizes, mode) => `height and width: ${workedSize(sizes, mode)}; depth: ${sizes.filters}, one map for each filter`,
  },
  pool_shape: {
    example: "9x9x5", hint: shapeHint,
    answer: (sizes, mode) => written(shapeOf({ ...sizes, filters: sizes.depth }, mode)),
    mistakes: (sizes, mode) => [...shapeMistakes(sizes, mode, sizes.depth), [`${written(shapeOf(sizes, mode).slice(0, 2))}x1`, "a pool works on each map by itself, so the depth does not change."]],
    worked: (sizes, mode) => `height and width: ${workedSize(sizes, mode)}; depth: ${sizes.depth}, as before`,
  },
  parameters_unshared: {
    example: "1234", hint: "Not quite. Without sharing every output value has its own filter, with its own bias.",
    answer: (sizes, mode) => unshared(sizes, mode),
    mistakes: (sizes, mode) => [
      [unshared(sizes, mode, 0), "the biases were forgotten: each filter has one more number, its bias."],
      [String((filterWeights(sizes) + 1) * sizes.filters), "that is the number with sharing. Without it, every position has filters of its own."],
      [unshared({ ...sizes, padding: 0 }, mode), "the output has another shape: the padding was forgotten."],
      [String((sizes.kernel * sizes.kernel + 1) * product(shapeOf(sizes, mode) ?? [0])), "a filter is as deep as its input: multiply by the depth too."],
      [String(filterWeights(sizes) * product(shapeOf(sizes, mode) ?? [0]) + sizes.filters), "the weights are right; the biases are not shared either, so there is one for each output value."],
    ],
    worked: (sizes, mode) => `(${sizes.kernel} · ${sizes.kernel} · ${sizes.depth} + 1) · (${(shapeOf(sizes, mode) ?? ["no output"]).join(" · ")}) = ${unshared(sizes, mode)}`,
  },
  parameters_shared: {
    example: "1234", hint: "Not quite. Count the numbers of one filter, with its bias, and multiply by the filters.",
    answer: (sizes, mode) => (shapeOf(sizes, mode) ? String((filterWeights(sizes) + 1) * sizes.filters) : null),
    mistakes: (sizes, mode) => [
      [String(filterWeights(sizes) * sizes.filters), "the biases were forgotten: one for each filter."],
      [unshared(sizes, mode), "that is the number without sharing. Here one filter serves every position."],
      [String((sizes.kernel * sizes.kernel + 1) * sizes.filters), "a filter is as deep as its input: multiply by the depth too."],
      [String(filterWeights(sizes) * sizes.filters + 1), "one bias for each filter, not one for all of them."],
    ],
    worked: (sizes) => `(${sizes.kernel} · ${sizes.kernel} · ${sizes.depth} + 1) · ${sizes.filters} = ${(filterWeights(sizes) + 1) * sizes.filters}`,
  },
  macs_direct: {
    example: "1234", hint: "Not quite. Every output value costs filter height × filter width × input depth.",
    answer: (sizes) => String(directMultiplies(sizes)),
    mistakes: (sizes) => [
      [String(filterWeights(sizes) * sizes.filters), "that is the number of weights. Each is used once at every position."],
      [String(directMultiplies(sizes, 1)), "a filter is as deep as its input: multiply by the depth too."],
    ],
    worked: (sizes) => `(${sizes.size} · ${sizes.size} · ${sizes.filters}) · (${sizes.kernel} · ${sizes.kernel} · ${sizes.depth}) = ${directMultiplies(sizes)}`,
  },
  macs_bottleneck: {
    example: "1234", hint: "Not quite. Add the multiplications of the two convolutions.",
    answer: (sizes) => String(reduction(sizes) + directMultiplies(sizes, sizes.reduced)),
    mistakes: (sizes) => [
      [String(directMultiplies(sizes, sizes.reduced)), "the 1×1 convolution costs something too: add it."],
      [String(reduction(sizes)), "that is the 1×1 convolution alone: add the larger one after it."],
      [String(directMultiplies(sizes)), "that is the direct way. After the 1×1 convolution the input is less deep."],
    ],
    worked: (sizes) => `(${sizes.size} · ${sizes.size} · ${sizes.reduced}) · ${sizes.depth} = ${reduction(sizes)}; (${sizes.size} · ${sizes.size} · ${sizes.filters}) · (${sizes.kernel} · ${sizes.kernel} · ${sizes.reduced}) = ${directMultiplies(sizes, sizes.reduced)}; sum ${reduction(sizes) + directMultiplies(sizes, sizes.reduced)}`,
  },
  max_pool: pooledQuiz((window) => Math.max(...window), "max", "Take the largest of the four numbers of each window."),
  mean_pool: pooledQuiz((window) => window.reduce((sum, value) => sum + value, 0) / window.length, "mean", "Add the four numbers of each window, and divide by 4."),
};

function pooledQuiz(combine, name, rule) {
  const windows = (grid) => [[0, 0], [0, 2], [2, 0], [2, 2]].map(([y, x]) => [grid[y][x], grid[y][x + 1], grid[y + 1][x], grid[y + 1][x + 1]]);
  const values = (grid, how = combine) => windows(grid).map((window) => Number(how(window).toFixed(3)));
  const mean = (window) => window.reduce((sum, value) => sum + value, 0) / window.length;
  return {
    example: "1,2,3,4", hint: `Not quite. ${rule} Start at the top left, then go to the right.`,
    answer: (sizes, mode, grid) => values(grid).join(", "),
    mistakes: (sizes, mode, grid) => {
      const [one, two, three, four] = values(grid);
      return [
        [[one, three, two, four].join(","), "the numbers are right, their order is not: from left to right, then the next row."],
        [values(grid, name === "max" ? mean : (window) => Math.max(...window)).join(","), name === "max" ? "those are the means. The largest value is asked for." : "those are the largest values. The mean is asked for."],
        [values(grid, (window) => window.reduce((sum, value) => sum + value, 0)).join(","), "those are sums: divide by 4."],
        [values(grid, (window) => Math.min(...window)).join(","), "those are the smallest values."],
        [values(grid, (window) => Math.max(...window.map(Math.abs))).join(","), "a negative number is smaller than zero, whatever its size."],
      ];
    },
    worked: (sizes, mode, grid) => windows(grid).map((window) => `${name}(${window.join(", ")}) = ${Number(combine(window).toFixed(3))}`).join("; ").replaceAll("-", "−"),
  };
}

// Questions with several right choices.
function startChoices(form) {
  const reply = form.querySelector(".reply");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const boxes = [...form.querySelectorAll("input")], chosen = boxes.filter((box) => box.checked);
    const wrong = chosen.find((box) => !box.dataset.right), missing = boxes.find((box) => box.dataset.right && !box.checked);
    form.dataset.verdict = chosen.length ? (wrong || missing ? "wrong" : "right") : "empty";
    reply.textContent = !chosen.length ? "Choose at least one." : wrong ? `Not quite: ${wrong.dataset.why}` : missing ? "Right so far, but something is missing." : `Right: ${form.dataset.why}`;
  });
}
