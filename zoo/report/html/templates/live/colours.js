// Values as colours, by the tables of zoo/visualize/colour_tables.py: the lowest value of a table first, 256 colours.

// Each colour as the four bytes red, green, blue and 255 of an ImageData, in one number.
function decodeColours(tables) {
  return Object.fromEntries(Object.entries(tables).map(([name, text]) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return [name, Uint32Array.from({ length: bytes.length / 3 }, (_, i) => new Uint32Array(Uint8Array.of(...bytes.subarray(3 * i, 3 * i + 3), 255).buffer)[0])];
  }));
}

// The colour of each value, up to the largest magnitude; signed values have zero in the middle of their table.
function coloured(values, colours) {
  let highest = 1e-12, isSigned = false;
  for (const value of values) { highest = Math.max(highest, Math.abs(value)); isSigned ||= value < 0; }
  const table = isSigned ? colours.signed : colours.non_negative, [scale, shift] = isSigned ? [127.5 / highest, 127.5] : [255 / highest, 0];
  return Uint32Array.from(values, (value) => table[Math.round(scale * value + shift)]);
}
