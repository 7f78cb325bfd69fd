// From stored 16-bit values to grey: one table per window, one pass per slice.

/** Fill `table` (65536 packed pixels) for a window given in shown values (stored x slope + intercept). */
export function fillTable(table, { width, center, invert }, slope, intercept) {
  const low = (center - width / 2 - intercept) / slope;
  const scale = 255 / (width / slope);
  for (let stored = 0; stored < 65536; stored++) {
    let grey = (stored - low) * scale;
    grey = grey < 0 ? 0 : grey > 255 ? 255 : (grey + 0.5) | 0;
    if (invert) grey = 255 - grey;
    // Packed as bytes R, G, B, A on a little-endian machine; no other kind runs a browser today.
    table[stored] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
  }
}

/** Write one slice into packed pixels. */
export function applyTable(table, stored, offset, packed) {
  for (let i = 0, n = packed.length; i < n; i++) packed[i] = table[stored[offset + i]];
}

/** Sixteen-bit little-endian bytes as numbers, on any machine. */
export function decode(buffer) {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) return new Uint16Array(buffer);
  const view = new DataView(buffer);
  return Uint16Array.from({ length: buffer.byteLength / 2 }, (_, i) => view.getUint16(2 * i, true));
}
