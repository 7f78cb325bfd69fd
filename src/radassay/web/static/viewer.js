// The viewer: one to four panes of 16-bit pixels that share window, slice, zoom and place.

import { listen } from "./gestures.js";
import { overlay } from "./overlay.js";
import { toolbar } from "./toolbar.js";
import { applyTable, fillTable } from "./windowing.js";

const CLOSEST = 20, FARTHEST = 0.2;

export class Viewer {
  /** `study`: pixels, presets and left_drag as the server tells them. */
  constructor(root, study) {
    Object.assign(this, study.pixels);
    this.presets = study.presets;
    this.leftDrag = study.left_drag;
    this.ruler = false;
    this.onPlace = null;
    this.table = new Uint32Array(65536);
    this.tools = toolbar(this);
    this.panesRoot = document.createElement("div");
    this.panesRoot.className = "panes";
    this.values = document.createElement("p");
    this.values.className = "values";
    root.replaceChildren(this.tools.element, this.panesRoot, this.values);
    this.panes = [];
    this.frames = 0;
    this.reset();
    new ResizeObserver(() => this.draw()).observe(this.panesRoot);
  }

  /** Show images (Uint16Array each) of a new case; the window of the case before is kept, its place is not. */
  show(images, names) {
    this.panes = images.map((stored, n) => this.#pane(stored, names[n]));
    this.panesRoot.replaceChildren(...this.panes.map((p) => p.element));
    this.panesRoot.dataset.n = images.length;
    this.panesRoot.classList.remove("one");
    document.body.classList.remove("largest");
    this.marks = [];
    this.reset();
    this.log = { opened: performance.now(), windows: [], zoom: 1, slices: new Set(), inverted: false };
    this.#noteWindow();
    this.draw();
  }

  #pane(stored, name) {
    const element = document.createElement("div"), canvas = document.createElement("canvas");
    element.className = "pane";
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", name ? `Image ${name}` : "The image of this case");
    element.append(canvas);
    if (name) element.append(Object.assign(document.createElement("b"), { textContent: name }));
    const source = new OffscreenCanvas(this.width, this.height);
    const context = source.getContext("2d", { alpha: false });
    const data = context.createImageData(this.width, this.height);
    const pane = { element, canvas, stored, source, context, data, packed: new Uint32Array(data.data.buffer), line: null };
    listen(canvas, this, pane);
    return pane;
  }

  reset() {
    const first = this.presets[0];
    this.window = { width: first.width, center: first.center, invert: false };
    Object.assign(this, { slice: Math.floor((this.depth - 1) / 2), zoom: 1, pan: { x: 0, y: 0 } });
    for (const pane of this.panes) pane.line = null;
    this.#windowed();
  }

  setWindow(width, center) {
    const span = this.value_range[1] - this.value_range[0];
    this.window.width = Math.min(Math.max(width, span / 4096, 1e-6), 4 * span);
    this.window.center = Math.min(Math.max(center, this.value_range[0] - span), this.value_range[1] + span);
    this.#windowed();
  }

  dragWindow(dx, dy) {
    const { width, center } = this.window;
    this.setWindow(width * Math.exp(dx / 250), center + (dy * width) / 400);
  }

  invert() { this.window.invert = !this.window.invert; if (this.log) this.log.inverted = true; this.#windowed(); }

  #windowed() { this.stale = true; this.#noteWindow(); this.draw(); }

  #noteWindow() {
    if (!this.log) return;
    const now = performance.now(), list = this.log.windows, last = list.at(-1);
    // A drag passes through many windows; only one that stood for a fifth of a second was looked at.
    if (last && now - last.since < 200) list.pop();
    list.push({ width: this.window.width, center: this.window.center, since: now });
  }

  goTo(slice) { this.slice = Math.min(Math.max(Math.round(slice), 0), this.depth - 1); this.stale = true; this.draw(); }
  scrollBy(steps) { this.goTo(this.slice + steps); }
  dragSlices(dy) {
    this.rest = (this.rest || 0) + (dy * this.depth) / Math.max(200, this.panesRoot.clientHeight * 0.8);
    const steps = Math.trunc(this.rest);
    if (steps) { this.rest -= steps; this.scrollBy(steps); }
  }
  zoomBy(factor) {
    const zoom = Math.min(Math.max(this.zoom * factor, FARTHEST), CLOSEST);
    this.pan.x *= zoom / this.zoom;
    this.pan.y *= zoom / this.zoom;
    this.zoom = zoom;
    this.draw();
  }
  panBy(dx, dy) { this.pan.x += dx; this.pan.y += dy; this.draw(); }

  toggleLargest(pane = this.panes[0]) {
    const largest = !document.body.classList.contains("largest");
    document.body.classList.toggle("largest", largest);
    this.panesRoot.classList.toggle("one", largest);
    for (const p of this.panes) p.element.classList.toggle("largest", p === pane);
    pane.canvas.focus({ preventScroll: true });
    this.draw();
  }

  toggleRuler() { this.ruler = !this.ruler; this.tools.update(); }
  measure(pane, from, to) { pane.line = [this.toImage(pane, from), this.toImage(pane, to)]; this.draw(); }
  click(pane, at) {
    if (!this.onPlace || this.ruler) return;
    const place = this.toImage(pane, at);
    this.place(Math.floor(place.x), Math.floor(place.y));
  }
  /** Tell the place (column, row) of this slice, if it lies in the image. */
  place(x, y) {
    if (x >= 0 && y >= 0 && x < this.width && y < this.height) this.onPlace([x, y, this.slice]);
  }

  /** Scale and corner of the image in a pane, in CSS pixels; rows are stretched where their distance differs. */
  fit(pane) {
    const { clientWidth: w, clientHeight: h } = pane.element;
    const tall = this.spacing_mm ? this.spacing_mm[0] / this.spacing_mm[1] : 1;
    const sx = Math.min(w / this.width, h / (this.height * tall)) * this.zoom, sy = sx * tall;
    return { w, h, sx, sy, x: (w - this.width * sx) / 2 + this.pan.x, y: (h - this.height * sy) / 2 + this.pan.y };
  }
  toImage(pane, { x, y }) {
    const f = this.fit(pane);
    return { x: (x - f.x) / f.sx, y: (y - f.y) / f.sy };
  }

  /** Draw at the next frame, once however often this is called. */
  draw() {
    if (this.waiting || !this.panes.length) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.drawNow(); });
  }

  drawNow() {
    if (this.stale) {
      fillTable(this.table, this.window, this.slope, this.intercept);
      for (const p of this.panes) {
        applyTable(this.table, p.stored, this.slice * this.width * this.height, p.packed);
        p.context.putImageData(p.data, 0, 0);
      }
      this.stale = false;
    }
    const dpr = window.devicePixelRatio || 1;
    for (const p of this.panes) {
      const f = this.fit(p);
      if (!f.w) continue;
      const [w, h] = [Math.round(f.w * dpr), Math.round(f.h * dpr)];
      if (p.canvas.width !== w || p.canvas.height !== h) Object.assign(p.canvas, { width: w, height: h });
      const c = p.canvas.getContext("2d", { alpha: false });
      c.setTransform(1, 0, 0, 1, 0, 0);
      c.fillStyle = "#000";
      c.fillRect(0, 0, w, h);
      c.setTransform(dpr, 0, 0, dpr, 0, 0);
      c.drawImage(p.source, f.x, f.y, this.width * f.sx, this.height * f.sy);
      overlay(c, this, p, f);
    }
    this.frames++;
    if (this.log) { this.log.slices.add(this.slice); this.log.zoom = Math.max(this.log.zoom, this.zoom); }
    this.#tell();
  }

  #tell() {
    const round = (v) => (Math.abs(v) >= 100 || Number.isInteger(v) ? Math.round(v) : v.toPrecision(3));
    const parts = [`W ${round(this.window.width)}`, `C ${round(this.window.center)}`, `zoom ${this.zoom.toFixed(2)}`];
    if (this.depth > 1) parts.push(`slice ${this.slice + 1} of ${this.depth}`);
    if (this.window.invert) parts.push("inverted");
    this.values.textContent = parts.join(" · ");
    this.tools.update();
  }

  /** How the case was looked at so far, as the server keeps it. */
  seen(seconds) {
    const now = performance.now(), list = this.log.windows;
    const windows = list.map((w, n) => [w.width, w.center, ((list[n + 1]?.since ?? now) - w.since) / 1000]);
    const box = this.panesRoot;
    return {
      seconds, windows: windows.slice(-60), zoom: this.log.zoom, slices: this.log.slices.size, inverted: this.log.inverted,
      screen: [box.clientWidth, box.clientHeight, window.devicePixelRatio || 1],
    };
  }
}
