// Buttons above the image: everything the mouse can do, without dragging.

const make = (tag, props, ...children) => {
  const element = Object.assign(document.createElement(tag), props);
  element.append(...children);
  return element;
};

const button = (words, key, act) =>
  make("button", { type: "button", onclick: act }, words, ...(key ? [" ", make("kbd", { textContent: key })] : []));

/** The toolbar of a viewer: its element, and how to bring it up to date. */
export function toolbar(viewer) {
  const element = make("div", { className: "tools" });
  element.setAttribute("role", "toolbar");
  element.setAttribute("aria-label", "Viewer");
  const presets = viewer.presets.map((p) => {
    const one = button(p.name, p.key, () => viewer.setWindow(p.width, p.center));
    return Object.assign(one, { preset: p });
  });
  const drag = make("select", { id: "left-drag", onchange: () => { viewer.leftDrag = drag.value; } });
  for (const mode of ["window", "scroll", "pan", "zoom"]) {
    if (mode !== "scroll" || viewer.depth > 1) drag.append(make("option", { textContent: mode }));
  }
  drag.value = viewer.leftDrag;
  const invert = button("Invert", "i", () => viewer.invert());
  const ruler = button("Ruler", "d", () => viewer.toggleRuler());
  element.append(
    ...presets, invert,
    button("Zoom in", "+", () => viewer.zoomBy(1.25)), button("Zoom out", "-", () => viewer.zoomBy(0.8)),
    ruler, button("Reset", "r", () => viewer.reset()), button("Largest", "o", () => viewer.toggleLargest()),
    make("span", { className: "together" }, make("label", { htmlFor: "left-drag", textContent: "Left drag" }), drag),
  );
  const pressed = (one, on) => one.setAttribute("aria-pressed", String(on));
  const update = () => {
    const { width, center } = viewer.window;
    for (const one of presets) pressed(one, one.preset.width === width && one.preset.center === center);
    pressed(invert, viewer.window.invert);
    pressed(ruler, viewer.ruler);
  };
  return { element, update };
}
