// What is drawn over an image: sides of the patient, a scale, the ruler, marked places. All outside the pixels.

const INK = "#ffe08a";

function text(c, words, x, y, align = "left") {
  c.font = "600 14px system-ui, 'DejaVu Sans', sans-serif";
  c.textAlign = align;
  c.lineWidth = 3;
  c.strokeStyle = "#000";
  c.strokeText(words, x, y);
  c.fillStyle = INK;
  c.fillText(words, x, y);
}

function stroke(c, path) {
  for (const [width, colour] of [[4, "#000"], [2, INK]]) {
    c.lineWidth = width;
    c.strokeStyle = colour;
    c.beginPath();
    path();
    c.stroke();
  }
}

/** Length of a line between two points in image pixels, in words. */
export function lengthOf([a, b], spacing) {
  const [row, column] = spacing ?? [1, 1];
  const length = Math.hypot((a.x - b.x) * column, (a.y - b.y) * row);
  return `${length.toFixed(1)} ${spacing ? "mm" : "px"}`;
}

function scaleBar(c, viewer, f) {
  const perUnit = f.sx / (viewer.spacing_mm?.[1] ?? 1), unit = viewer.spacing_mm ? "mm" : "px";
  const length = [200, 100, 50, 20, 10, 5, 2, 1].find((n) => n * perUnit <= Math.min(f.w / 3, 200));
  if (!length) return;
  const x = f.w - 16 - length * perUnit, y = f.h - 14;
  stroke(c, () => { c.moveTo(x, y - 5); c.lineTo(x, y); c.lineTo(f.w - 16, y); c.lineTo(f.w - 16, y - 5); });
  text(c, `${length} ${unit}`, f.w - 16, y - 9, "right");
}

/** Draw everything over one pane; `f` as Viewer.fit gives it. */
export function overlay(c, viewer, pane, f) {
  const put = (p) => [f.x + p.x * f.sx, f.y + p.y * f.sy];
  if (viewer.right_on_left) { text(c, "R", 10, f.h / 2); text(c, "L", f.w - 10, f.h / 2, "right"); }
  scaleBar(c, viewer, f);
  if (pane.line) {
    const [a, b] = pane.line.map(put);
    stroke(c, () => { c.moveTo(...a); c.lineTo(...b); });
    text(c, lengthOf(pane.line, viewer.spacing_mm), b[0] + 8, b[1] - 8);
  }
  for (const { at, name } of viewer.marks) {
    if (at[2] !== viewer.slice) continue;
    const [x, y] = put({ x: at[0] + 0.5, y: at[1] + 0.5 });
    stroke(c, () => c.arc(x, y, 9, 0, 7));
    text(c, name, x + 13, y + 5);
  }
  if (viewer.cursor) {
    const [x, y] = put({ x: viewer.cursor[0] + 0.5, y: viewer.cursor[1] + 0.5 });
    stroke(c, () => { c.moveTo(x - 12, y); c.lineTo(x + 12, y); c.moveTo(x, y - 12); c.lineTo(x, y + 12); });
  }
}
