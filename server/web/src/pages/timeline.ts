// How does a reader look closer at a part of the timeline? By dragging across it, or by keys.

const SVG = "http://www.w3.org/2000/svg";
const LEAST = 12; // pixels: less is a click that shook
const DAY = 86_400_000;

function day(from: string, to: string, share: number): string {
  const start = Date.parse(from);
  const length = Date.parse(to) + DAY - start;
  return new Date(start + length * Math.min(1, Math.max(0, share))).toISOString().slice(0, 10);
}

function show(first: string, last: string): void {
  const address = new URL(location.href);
  address.searchParams.set("from", first);
  address.searchParams.set("until", last);
  location.href = address.href;
}

/** Let a stretch of the drawing be picked by dragging; a finger scrolls instead. */
function pick(drawing: HTMLElement): void {
  const { first, last } = drawing.dataset;
  const bodies = [...drawing.querySelectorAll<SVGSVGElement>(".timeline-axis, .timeline-body")];
  if (!first || !last) return;
  for (const svg of bodies) {
    svg.addEventListener("pointerdown", (down) => {
      if (down.button !== 0 || down.pointerType === "touch") return;
      const box = svg.getBoundingClientRect();
      const rectangle = document.createElementNS(SVG, "rect");
      rectangle.setAttribute("class", "timeline-picked");
      rectangle.setAttribute("y", "0");
      rectangle.setAttribute("height", "100%");
      const at = (event: PointerEvent): number =>
        Math.min(box.width, Math.max(0, event.clientX - box.left));
      const start = at(down);
      let end = start;
      const stop = new AbortController();
      const { signal } = stop;
      const finish = (): void => {
        stop.abort();
        rectangle.remove();
        drawing.classList.remove("picking");
      };
      window.addEventListener("pointermove", (move) => {
        end = at(move);
        if (Math.abs(end - start) < LEAST) return;
        if (!rectangle.isConnected) {
          svg.append(rectangle);
          drawing.classList.add("picking");
        }
        rectangle.setAttribute("x", String(Math.min(start, end)));
        rectangle.setAttribute("width", String(Math.abs(end - start)));
      }, { signal });
      window.addEventListener("pointerup", () => {
        const isPicked = rectangle.isConnected;
        finish();
        if (!isPicked) return;
        // The click that ends the dragging must open nothing.
        window.addEventListener("click", (click) => click.preventDefault(), { capture: true, once: true });
        const [left, right] = [Math.min(start, end) / box.width, Math.max(start, end) / box.width];
        show(day(first, last, left), day(first, last, right));
      }, { signal });
      window.addEventListener("keydown", (key) => key.key === "Escape" && finish(), { signal });
    });
    // A link would be dragged itself.
    svg.addEventListener("dragstart", (event) => event.preventDefault());
  }
}

const KEYS: Record<string, string> = { "+": "closer", "-": "wider", "<": "earlier", ">": "later" };

for (const drawing of document.querySelectorAll<HTMLElement>(".timeline")) {
  pick(drawing);
  drawing.addEventListener("keydown", (event) => {
    const name = KEYS[event.key];
    if (!name || event.ctrlKey || event.metaKey || event.altKey) return;
    document.querySelector<HTMLAnchorElement>(`[data-zoom="${name}"]`)?.click();
  });
}
