// Values as colours, by the tables of zoo/visualize/colour_tables.py: the lowest value of a table first, 256 colours.

function decodeColours(tables) {
  return Object.fromEntries(Object.entries(tables).map(([name, text]) => [name, Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]));
}

// [red, green, blue, 255] of each value, one after the other, up to the largest magnitude; signed values have zero in the middle.
function coloured(values, colours) {
  const highest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12), isSigned = values.some((value) => value < 0);
  const table = isSigned ? colours.signed : colours.non_negative, pixels = new Uint8ClampedArray(4 * values.length).fill(255);
  values.forEach((value, i) => {
    const at = 3 * Math.round(255 * (isSigned ? (value / highest + 1) / 2 : value / highest));
    pixels.set(table.subarray(at, at + 3), 4 * i);
  });
  return pixels;
}
