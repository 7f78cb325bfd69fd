// The greyscale test pattern: eleven even steps, and a square of 5 % contrast at either end (after SMPTE RP 133).

export function drawPattern(canvas) {
  const c = canvas.getContext("2d", { alpha: false }), { width, height } = canvas;
  const grey = (share) => { const v = Math.round(255 * share); return `rgb(${v}, ${v}, ${v})`; };
  c.fillStyle = grey(0.5);
  c.fillRect(0, 0, width, height);
  const step = width / 11;
  for (let n = 0; n < 11; n++) { c.fillStyle = grey(n / 10); c.fillRect(Math.round(n * step), 20, Math.ceil(step), 90); }
  for (const [x, outer, inner] of [[60, 0, 0.05], [width - 180, 1, 0.95]]) {
    c.fillStyle = grey(outer);
    c.fillRect(x, 125, 120, 120);
    c.fillStyle = grey(inner);
    c.fillRect(x + 35, 160, 50, 50);
  }
  // Single lines: where they melt into even grey, the browser scales the page.
  for (let n = 0; n < 60; n++) { c.fillStyle = n % 2 ? "#000" : "#fff"; c.fillRect(width / 2 - 60 + 2 * n, 145, 2, 80); }
}
