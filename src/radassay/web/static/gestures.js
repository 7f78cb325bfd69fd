// Mouse, pen, fingers and wheel over a pane, told to the viewer as window, zoom, pan, scroll, click.

const CLICK_PX = 4;

/** Listen on `element`; `viewer` has leftDrag, ruler, and the methods called below. */
export function listen(element, viewer, pane) {
  const fingers = new Map();
  let start = null, last = null, spread = 0, wheel = 0, moved = false, action = "";

  const middle = () => {
    const all = [...fingers.values()];
    return { x: all.reduce((s, f) => s + f.x, 0) / all.length, y: all.reduce((s, f) => s + f.y, 0) / all.length };
  };
  const distance = () => {
    const [a, b] = [...fingers.values()];
    return b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  };
  const chosen = (e) => {
    if (fingers.size === 2) return "pinch";
    if (fingers.size > 2) return "scroll";
    if (e.button === 1 || e.shiftKey) return "pan";
    if (e.button === 2) return "zoom";
    return viewer.ruler ? "measure" : viewer.leftDrag;
  };

  element.addEventListener("pointerdown", (e) => {
    element.setPointerCapture(e.pointerId);
    element.focus({ preventScroll: true });
    fingers.set(e.pointerId, { x: e.offsetX, y: e.offsetY });
    action = chosen(e);
    start = last = middle();
    spread = distance();
    moved = fingers.size > 1;
    if (action === "measure") viewer.measure(pane, start, start);
    e.preventDefault();
  });
  element.addEventListener("pointermove", (e) => {
    if (!fingers.has(e.pointerId)) return;
    fingers.set(e.pointerId, { x: e.offsetX, y: e.offsetY });
    const here = middle(), dx = here.x - last.x, dy = here.y - last.y;
    if (Math.hypot(here.x - start.x, here.y - start.y) > CLICK_PX) moved = true;
    if (!moved) return;
    last = here;
    if (action === "window") viewer.dragWindow(dx, dy);
    else if (action === "zoom") viewer.zoomBy(Math.exp(-dy / 150));
    else if (action === "pan") viewer.panBy(dx, dy);
    else if (action === "scroll") viewer.dragSlices(dy);
    else if (action === "measure") viewer.measure(pane, start, here);
    else if (action === "pinch") {
      const now = distance();
      if (spread > 0 && now > 0) viewer.zoomBy(now / spread);
      spread = now;
      viewer.panBy(dx, dy);
    }
  });
  const end = (e) => {
    if (!fingers.delete(e.pointerId)) return;
    if (!moved && e.type === "pointerup" && e.button === 0) viewer.click(pane, start);
    if (fingers.size) { start = last = middle(); spread = distance(); action = fingers.size === 2 ? "pinch" : "none"; }
  };
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);
  element.addEventListener("contextmenu", (e) => e.preventDefault());
  element.addEventListener("dblclick", () => viewer.toggleLargest(pane));
  element.addEventListener("wheel", (e) => {
    e.preventDefault();
    // Wheels tell pixels, lines or pages; a touchpad tells many small steps that add up to one.
    wheel += e.deltaY * [1, 33, 100][e.deltaMode];
    const steps = Math.trunc(wheel / 50);
    if (!steps) return;
    wheel -= steps * 50;
    if (viewer.depth > 1) viewer.scrollBy(Math.sign(steps) * Math.max(1, Math.floor(Math.abs(steps) / 2)));
    else viewer.zoomBy(Math.exp(-steps / 12));
  }, { passive: false });
}
