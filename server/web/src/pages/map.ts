// How does a reader look closer at the map? By buttons, by keys, by dragging, by Ctrl and the wheel.
import { select } from "d3-selection";
import { zoom, zoomIdentity, type ZoomTransform } from "d3-zoom";

const MOST = 8;

/** Let `svg` be moved and enlarged; circles and names keep their size. */
function enlarge(drawing: HTMLElement, svg: SVGSVGElement): void {
  const ground = svg.querySelector<SVGGElement>(".map-ground");
  const spots = [...svg.querySelectorAll<SVGElement>(".spot")].map((spot) => {
    const circle = spot.querySelector("circle");
    return { spot, x: Number(circle?.getAttribute("cx")), y: Number(circle?.getAttribute("cy")) };
  });
  if (!ground) return;
  // On a narrow screen the middle of what happened is seen first.
  const middle = spots.reduce((sum, one) => sum + one.x, 0) / (spots.length || 1);
  drawing.scrollLeft = middle - drawing.clientWidth / 2;
  const { width, height } = svg.viewBox.baseVal;
  const draw = ({ k, x, y }: ZoomTransform): void => {
    ground.setAttribute("transform", `translate(${x},${y}) scale(${k})`);
    for (const one of spots) {
      one.spot.setAttribute(
        "transform",
        `translate(${k * one.x + x - one.x},${k * one.y + y - one.y})`,
      );
    }
  };
  const behaviour = zoom<SVGSVGElement, unknown>()
    .scaleExtent([1, MOST])
    .translateExtent([[0, 0], [width, height]])
    .extent([[0, 0], [width, height]])
    // The wheel scrolls the page, and one finger does, too.
    .filter((event: MouseEvent & { touches?: TouchList }) =>
      event.type === "wheel"
        ? event.ctrlKey || event.metaKey
        : event.touches ? event.touches.length > 1 : event.button === 0,
    )
    .on("zoom", (event: { transform: ZoomTransform }) => draw(event.transform));
  const chosen = select(svg).call(behaviour).on("dblclick.zoom", null);

  const texts = (drawing.dataset["zoomWords"] ?? "").split("|");
  const tools = document.createElement("div");
  tools.className = "map-tools";
  const actions: [string, string, () => void][] = [
    ["+", texts[0] ?? "", () => chosen.call(behaviour.scaleBy, 1.6)],
    ["−", texts[1] ?? "", () => chosen.call(behaviour.scaleBy, 1 / 1.6)],
    ["⟲", texts[2] ?? "", () => chosen.call(behaviour.transform, zoomIdentity)],
  ];
  for (const [sign, text, act] of actions) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = sign;
    button.setAttribute("aria-label", text);
    button.title = text;
    button.addEventListener("click", act);
    tools.append(button);
  }
  drawing.before(tools);
  drawing.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = { "+": 0, "-": 1, "0": 2 }[event.key];
    if (action !== undefined) actions[action]?.[2]();
  });
}

for (const drawing of document.querySelectorAll<HTMLElement>(".drawing.map")) {
  const svg = drawing.querySelector("svg");
  if (svg) enlarge(drawing, svg);
}

// What is chosen on the map is shown in the list: a screen reader follows.
window.addEventListener("hashchange", () => {
  if (location.hash.startsWith("#place-")) document.querySelector<HTMLElement>(location.hash)?.focus();
});
