// A question takes an answer, says right or what went wrong, and works the formula. Its sizes can be changed.

const digitsOf = (text) => text.toLowerCase().replaceAll("×", "x").replaceAll("−", "-").replace(/\s+/g, "");
const numbersOf = (text) => (digitsOf(text).match(/-?\d+(\.\d+)?/g) || []).map(Number);

function startQuiz(form, grid) {
  const { kind, mode } = form.dataset, reply = form.querySelector(".reply"), worked = form.querySelector(".worked-answer");
  const sizes = () => Object.fromEntries([...form.querySelectorAll(".sizes input")].map((field) => [field.name, boundedValue(field)]));
  const check = () => {
    const given = form.elements.answer.value, { verdict, text } = judge((name, values) => say(form, name, values), kind, sizes(), mode, given, grid);
    form.dataset.verdict = verdict;
    reply.textContent = text;
    if (verdict !== "empty") worked.querySelector("summary").textContent = say(form, "quiz.way");
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

// {verdict: "empty", "unreadable", "right", "wrong" or "impossible", text}; `word` gives a text by its name.
function judge(word, kind, sizes, mode, given, grid) {
  const quiz = QUIZZES[kind], { example } = quiz, expected = quiz.answer(sizes, mode, grid), wrong = (why) => ({ verdict: "wrong", text: word("quiz.wrong", { why }) });
  if (!given.trim()) return { verdict: "empty", text: word("quiz.empty", { example }) };
  if (expected === null) return { verdict: "impossible", text: word("quiz.impossible") };
  const right = numbersOf(expected), found = numbersOf(kind.startsWith("macs") || kind.startsWith("parameters") ? given.replaceAll(",", "") : given);
  if (!found.length) return { verdict: "unreadable", text: word("quiz.unreadable", { example }) };
  if (sameNumbers(found, right)) return { verdict: "right", text: word("quiz.right", { answer: expected.replaceAll("x", "×") }) };
  const mistakes = quiz.mistakes(sizes, mode, grid).filter(([answer]) => answer !== null && sameNumbers(found, numbersOf(answer)));
  // Two mistakes may have the same result.
  if (mistakes.length) return wrong(mistakes.map(([, name]) => word(`why.${name}`)).join(word("quiz.or")));
  if (found.length !== right.length) return wrong(word(right.length === 1 ? "quiz.one_number" : "quiz.numbers", { count: right.length, example }));
  return wrong(word(`hint.${kind}`));
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
    [`1x${written(shape)}`, "batch"],
    [[...shape.slice(0, 2), sizes.depth].join("x"), "input_depth"],
    [other({ stride: 1 }), "stride"],
    [shape.map((value, i) => (i < 2 ? value - 1 : value)).join("x"), "plus_one"],
    [written([shape[0], shape[1]]), "depth_missing"],
    [[depth, shape[0], shape[1]].join("x"), "shape_order"],
  ];
  if (mode === "explicit" && sizes.padding) {
    mistakes.push([other({ padding: 0 }), "padding"]);
    mistakes.push([[0, 1].map(() => Math.floor((sizes.size - sizes.kernel + sizes.padding) / sizes.stride) + 1).concat(depth).join("x"), "padding_once"]);
    mistakes.push([other({}, "SAME"), "same_for_explicit"]);
  }
  if (mode === "SAME") mistakes.push([other({}, "VALID"), "valid_for_same"]);
  if (mode === "VALID") mistakes.push([other({}, "SAME"), "same_for_valid"]);
  return mistakes.filter(([answer]) => answer !== written(shape));
}

const QUIZZES = {
  grid_shape: {
    example: "4x4",
    answer: (sizes, mode) => { const shape = shapeOf(sizes, mode); return shape && written(shape.slice(0, 2)); },
    mistakes: (sizes, mode) => {
      const shape = shapeOf(sizes, mode), less = shape && shape[0] - 1;
      return [[`${less}x${less}`, "first_position"], [`${sizes.size}x${sizes.size}`, "would_need_padding"], shape && [`${shape[0]}`, "one_side"]].filter(Boolean);
    },
    worked: (sizes, mode) => `height and width: ${workedSize(sizes, mode)}`,
  },
  conv_shape: {
    example: "9x9x5",
    answer: (sizes, mode) => written(shapeOf(sizes, mode)),
    mistakes: (sizes, mode) => shapeMistakes(sizes, mode, sizes.filters),
    worked: (sizes, mode) => `height and width: ${workedSize(sizes, mode)}; depth: ${sizes.filters}, one map for each filter`,
  },
  pool_shape: {
    example: "9x9x5",
    answer: (sizes, mode) => written(shapeOf({ ...sizes, filters: sizes.depth }, mode)),
    mistakes: (sizes, mode) => [...shapeMistakes(sizes, mode, sizes.depth), [`${written(shapeOf(sizes, mode).slice(0, 2))}x1`, "pool_depth"]],
    worked: (sizes, mode) => `height and width: ${workedSize(sizes, mode)}; depth: ${sizes.depth}, as before`,
  },
  parameters_unshared: {
    example: "1234",
    answer: (sizes, mode) => unshared(sizes, mode),
    mistakes: (sizes, mode) => [
      [unshared(sizes, mode, 0), "biases"],
      [String((filterWeights(sizes) + 1) * sizes.filters), "shared"],
      [unshared({ ...sizes, padding: 0 }, mode), "other_shape"],
      [String((sizes.kernel * sizes.kernel + 1) * product(shapeOf(sizes, mode) ?? [0])), "flat_filter"],
      [String(filterWeights(sizes) * product(shapeOf(sizes, mode) ?? [0]) + sizes.filters), "shared_biases"],
    ],
    worked: (sizes, mode) => `(${sizes.kernel} · ${sizes.kernel} · ${sizes.depth} + 1) · (${(shapeOf(sizes, mode) ?? ["no output"]).join(" · ")}) = ${unshared(sizes, mode)}`,
  },
  parameters_shared: {
    example: "1234",
    answer: (sizes, mode) => (shapeOf(sizes, mode) ? String((filterWeights(sizes) + 1) * sizes.filters) : null),
    mistakes: (sizes, mode) => [
      [String(filterWeights(sizes) * sizes.filters), "biases"],
      [unshared(sizes, mode), "unshared"],
      [String((sizes.kernel * sizes.kernel + 1) * sizes.filters), "flat_filter"],
      [String(filterWeights(sizes) * sizes.filters + 1), "one_bias"],
    ],
    worked: (sizes) => `(${sizes.kernel} · ${sizes.kernel} · ${sizes.depth} + 1) · ${sizes.filters} = ${(filterWeights(sizes) + 1) * sizes.filters}`,
  },
  macs_direct: {
    example: "1234",
    answer: (sizes) => String(directMultiplies(sizes)),
    mistakes: (sizes) => [
      [String(filterWeights(sizes) * sizes.filters), "weights"],
      [String(directMultiplies(sizes, 1)), "flat_filter"],
    ],
    worked: (sizes) => `(${sizes.size} · ${sizes.size} · ${sizes.filters}) · (${sizes.kernel} · ${sizes.kernel} · ${sizes.depth}) = ${directMultiplies(sizes)}`,
  },
  macs_bottleneck: {
    example: "1234",
    answer: (sizes) => String(reduction(sizes) + directMultiplies(sizes, sizes.reduced)),
    mistakes: (sizes) => [
      [String(directMultiplies(sizes, sizes.reduced)), "reduction_free"],
      [String(reduction(sizes)), "reduction_only"],
      [String(directMultiplies(sizes)), "direct"],
    ],
    worked: (sizes) => `(${sizes.size} · ${sizes.size} · ${sizes.reduced}) · ${sizes.depth} = ${reduction(sizes)}; (${sizes.size} · ${sizes.size} · ${sizes.filters}) · (${sizes.kernel} · ${sizes.kernel} · ${sizes.reduced}) = ${directMultiplies(sizes, sizes.reduced)}; ${reduction(sizes)} + ${directMultiplies(sizes, sizes.reduced)} = ${reduction(sizes) + directMultiplies(sizes, sizes.reduced)}`,
  },
  max_pool: pooledQuiz((window) => Math.max(...window), "max"),
  mean_pool: pooledQuiz((window) => window.reduce((sum, value) => sum + value, 0) / window.length, "mean"),
};

function pooledQuiz(combine, name) {
  const windows = (grid) => [[0, 0], [0, 2], [2, 0], [2, 2]].map(([y, x]) => [grid[y][x], grid[y][x + 1], grid[y + 1][x], grid[y + 1][x + 1]]);
  const values = (grid, how = combine) => windows(grid).map((window) => Number(how(window).toFixed(3)));
  const mean = (window) => window.reduce((sum, value) => sum + value, 0) / window.length;
  return {
    example: "1,2,3,4",
    answer: (sizes, mode, grid) => values(grid).join(", "),
    mistakes: (sizes, mode, grid) => {
      const [one, two, three, four] = values(grid);
      return [
        [[one, three, two, four].join(","), "order"],
        [values(grid, name === "max" ? mean : (window) => Math.max(...window)).join(","), name === "max" ? "means" : "largest"],
        [values(grid, (window) => window.reduce((sum, value) => sum + value, 0)).join(","), "sums"],
        [values(grid, (window) => Math.min(...window)).join(","), "smallest"],
        [values(grid, (window) => Math.max(...window.map(Math.abs))).join(","), "negative"],
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
    reply.textContent = !chosen.length ? say(form, "choices.empty") : wrong ? say(form, "quiz.wrong", { why: wrong.dataset.why }) : missing ? say(form, "choices.missing") : say(form, "quiz.right", { answer: form.dataset.why });
  });
}
