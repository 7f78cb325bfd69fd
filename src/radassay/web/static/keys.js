// Keys of the viewer. Digits, Enter and Shift with digits belong to the answers and are never taken here.

export const VIEWER_KEYS = [
  ["Arrow up, down", "slice before, after"],
  ["Page up, down", "five slices"],
  ["Home, End", "first, last slice"],
  ["Shift with arrows", "move the image"],
  ["+ -", "zoom"],
  ["[ ]", "narrower, wider window"],
  [", .", "lower, higher centre"],
  ["i", "invert"],
  ["d", "ruler: drag from end to end"],
  ["r", "reset"],
  ["o or double click", "largest image, and back"],
  ["?", "this list"],
];

/** Act on a key; true if it was one of the viewer's. */
export function viewerKey(viewer, e) {
  const { width, center } = viewer.window;
  if (e.shiftKey && e.key.startsWith("Arrow")) {
    const [x, y] = { ArrowLeft: [30, 0], ArrowRight: [-30, 0], ArrowUp: [0, 30], ArrowDown: [0, -30] }[e.key];
    viewer.panBy(x, y);
    return true;
  }
  const act = {
    ArrowUp: () => viewer.scrollBy(-1), ArrowLeft: () => viewer.scrollBy(-1),
    ArrowDown: () => viewer.scrollBy(1), ArrowRight: () => viewer.scrollBy(1),
    PageUp: () => viewer.scrollBy(-5), PageDown: () => viewer.scrollBy(5),
    Home: () => viewer.goTo(0), End: () => viewer.goTo(viewer.depth - 1),
    "+": () => viewer.zoomBy(1.25), "=": () => viewer.zoomBy(1.25), "-": () => viewer.zoomBy(0.8),
    "[": () => viewer.setWindow(width * 0.9, center), "]": () => viewer.setWindow(width / 0.9, center),
    ",": () => viewer.setWindow(width, center - width / 20), ".": () => viewer.setWindow(width, center + width / 20),
    i: () => viewer.invert(), r: () => viewer.reset(), d: () => viewer.toggleRuler(), o: () => viewer.toggleLargest(),
  }[e.key];
  const preset = viewer.presets.find((p) => p.key === e.key);
  if (act) act();
  else if (preset) viewer.setWindow(preset.width, preset.center);
  else return false;
  return true;
}

/** Move the cross that marks a place by keyboard; Enter sets it. True if the key was used. */
export function placeKey(viewer, e) {
  if (!viewer.onPlace) return false;
  const step = e.shiftKey ? 16 : 4;
  const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[e.key];
  if (by) {
    const [x, y] = viewer.cursor ?? [viewer.width >> 1, viewer.height >> 1];
    const inside = (v, n) => Math.min(Math.max(v, 0), n - 1);
    viewer.cursor = [inside(x + by[0], viewer.width), inside(y + by[1], viewer.height)];
    viewer.draw();
    return true;
  }
  if (e.key !== "Enter" || !viewer.cursor) return false;
  viewer.place(...viewer.cursor);
  return true;
}
