/**
 * The pack's own widgets, by name. `mount` draws into an empty element of the size that the node declares, and returns
 * how to show another value and how to leave. The editor's colors are CSS variables. See docs/guide/nodes.md.
 */
const xyPad = {
  mount(element, knob) {
    const pad = document.createElement("div");
    pad.tabIndex = 0;
    pad.id = knob.id;
    pad.setAttribute("role", "application");
    pad.style.cssText =
      "position:relative;height:100%;border-radius:6px;background:var(--field);cursor:crosshair;touch-action:none";
    const dot = document.createElement("div");
    dot.style.cssText =
      "position:absolute;width:12px;height:12px;margin:-6px;border-radius:50%;border:2px solid var(--text);background:var(--accent)";
    const text = document.createElement("span");
    text.style.cssText = "position:absolute;left:8px;top:5px;color:var(--text-2);font-size:11px;pointer-events:none";
    pad.append(dot, text);
    element.append(pad);

    let now = knob;

    function show(next) {
      now = next;
      const [x, y] = read(now.value);
      dot.style.left = `${x * 100}%`;
      dot.style.top = `${y * 100}%`;
      const { x: across = "x", y: down = "y" } = now.options;
      text.textContent = `${across} ${x.toFixed(2)} · ${down} ${y.toFixed(2)}`;
      pad.setAttribute("aria-label", `${now.label}: ${text.textContent}`);
    }

    function set(x, y) {
      now.onChange(`${inside(x).toFixed(2)} ${inside(y).toFixed(2)}`);
    }

    function follow(event) {
      if (event.buttons !== 1) return;
      const box = pad.getBoundingClientRect();
      set((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
    }

    pad.addEventListener("pointerdown", (event) => {
      pad.setPointerCapture(event.pointerId);
      follow(event);
    });
    pad.addEventListener("pointermove", follow);
    pad.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      const [x, y] = read(now.value);
      set(x + step[0] * 0.01, y + step[1] * 0.01);
    });
    show(knob);
    return { update: show, unmount: () => pad.remove() };
  },
};

function read(value) {
  const [x, y] = String(value ?? "").split(" ").map(Number);
  return [x, y].map((part) => (Number.isFinite(part) ? inside(part) : 0.5));
}

function inside(value) {
  return Math.min(Math.max(value, 0), 1);
}

export default { xy_pad: xyPad };
