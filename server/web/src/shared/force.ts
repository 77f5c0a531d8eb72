// Where do the nodes of a network come to rest, and what does a reader see of one of them?
//
// The drawing from the server (templates/drawing/network.html) is the data: its nodes and ties
// are moved. Whoever wants less motion sees them at rest at once.
import {
  forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY,
  type SimulationLinkDatum, type SimulationNodeDatum,
} from "d3-force";
import { select } from "d3-selection";
import { zoom, zoomIdentity, zoomTransform } from "d3-zoom";

interface Knot extends SimulationNodeDatum {
  element: SVGElement;
  text: SVGTextElement | null;
  id: string;
  radius: number;
  /** How wide its label is. */
  room: number;
  x: number;
  y: number;
}

interface Tie extends SimulationLinkDatum<Knot> {
  element: SVGElement;
  paths: SVGPathElement[];
  weight: number;
  bend: number;
  source: Knot;
  target: Knot;
}

const APART = 15;
const MARGIN = 16;
/** How strongly all nodes are drawn to the middle. */
const PULL = 0.035;

function number(element: Element, name: string): number {
  return Number(element.getAttribute(name)) || 0;
}

function read(svg: SVGSVGElement): { knots: Knot[]; ties: Tie[] } {
  const knots = [...svg.querySelectorAll<SVGElement>(".node")].map((element): Knot => {
    const text = element.querySelector("text");
    return {
      element, text,
      id: element.getAttribute("data-id") ?? "",
      x: number(element, "data-x"),
      y: number(element, "data-y"),
      radius: number(element, "data-r"),
      room: text?.getComputedTextLength() ?? 0,
    };
  });
  const byId = new Map(knots.map((knot) => [knot.id, knot]));
  const ties: Tie[] = [];
  for (const element of svg.querySelectorAll<SVGElement>(".edge")) {
    const source = byId.get(element.getAttribute("data-source") ?? "");
    const target = byId.get(element.getAttribute("data-target") ?? "");
    if (!source || !target) continue;
    const line = element.querySelector("path");
    if (line) {
      // A thin line is hard to point at.
      const reach = line.cloneNode() as SVGPathElement;
      reach.setAttribute("class", "reach");
      reach.removeAttribute("stroke-width");
      line.before(reach);
    }
    ties.push({
      element, source, target,
      paths: [...element.querySelectorAll("path")],
      weight: Math.abs(number(element, "data-weight")),
      bend: number(element, "data-bend"),
    });
  }
  return { knots, ties };
}

function curve({ source, target, bend }: Tie): string {
  if (!bend) return `M${source.x.toFixed(1)} ${source.y.toFixed(1)}L${target.x.toFixed(1)} ${target.y.toFixed(1)}`;
  const [dx, dy] = [target.x - source.x, target.y - source.y];
  const shift = (2 * bend * APART * (source.id < target.id ? 1 : -1)) / (Math.hypot(dx, dy) || 1);
  const x = (source.x + target.x) / 2 - dy * shift;
  const y = (source.y + target.y) / 2 + dx * shift;
  return `M${source.x.toFixed(1)} ${source.y.toFixed(1)}Q${x.toFixed(1)} ${y.toFixed(1)} ${target.x.toFixed(1)} ${target.y.toFixed(1)}`;
}

/**
 * Let the network in `frame` settle by its ties; nodes can be dragged, the drawing zoomed.
 *
 * A frame without room (not shown yet, or taken away while this script came) has no place for a
 * node: it waits for its room, and nothing is computed of a width of nought.
 */
export function settle(frame: HTMLElement): void {
  if (frame.clientWidth) {
    begin(frame);
    return;
  }
  const watch = new ResizeObserver(() => {
    if (!frame.clientWidth) return;
    watch.disconnect();
    begin(frame);
  });
  watch.observe(frame);
}

function begin(frame: HTMLElement): void {
  const svg = frame.querySelector("svg");
  const view = svg?.querySelector<SVGGElement>(".network-view");
  if (!svg || !view) return;
  const { knots, ties } = read(svg);
  if (knots.length === 0) return;
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;

  frame.classList.add("settled");
  let width = 0;
  let height = 0;
  const measure = (): boolean => {
    const now = frame.clientWidth;
    if (!now || now === width) return false;
    width = now;
    const room = (knots.length * 20_000) / width;
    height = Math.round(Math.min(Math.max(Math.min(width * 0.5, 560), room, 360), 820));
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", String(height));
    return true;
  };
  measure();

  // From the server's places into the frame.
  const far = { x: Math.max(...knots.map((k) => k.x)), y: Math.max(...knots.map((k) => k.y)) };
  for (const knot of knots) {
    knot.x = (knot.x / (far.x || 1)) * width * 0.8;
    knot.y = (knot.y / (far.y || 1)) * height * 0.8;
    // A label beside its node needs a line of its own; below it, it stands in the middle.
    knot.text?.setAttribute("x", "0");
    knot.text?.setAttribute("text-anchor", "middle");
    knot.text?.setAttribute("dy", String(knot.radius + 14));
  }

  const most = Math.max(...ties.map((tie) => tie.weight), 1e-9);
  const degree = new Map<Knot, number>();
  for (const { source, target } of ties) {
    degree.set(source, (degree.get(source) ?? 0) + 1);
    degree.set(target, (degree.get(target) ?? 0) + 1);
  }
  const crowd = Math.sqrt((width * height) / knots.length);
  const links = forceLink<Knot, Tie>(ties)
    .distance((tie) => crowd * (1.3 - 0.6 * (tie.weight / most)))
    .strength((tie) => (0.25 + 0.75 * (tie.weight / most)) /
      Math.min(degree.get(tie.source) ?? 1, degree.get(tie.target) ?? 1));
  const keepInside = (): void => {
    for (const knot of knots) {
      // Nothing leaves the frame, its label neither.
      const side = Math.min(Math.max(knot.room / 2, knot.radius) + 6, width / 2 - 10);
      knot.x = Math.max(side, Math.min(width - side, knot.x));
      knot.y = Math.max(MARGIN, Math.min(height - MARGIN - 20, knot.y));
    }
  };
  const simulation = forceSimulation<Knot, Tie>(knots)
    .force("links", links)
    .force("apart", forceManyBody<Knot>().strength(-crowd * 4))
    .force("labels", forceCollide<Knot>((knot) => Math.max(knot.radius + 12, Math.min(knot.room / 2, 62) + 4)).iterations(2))
    .force("across", forceX<Knot>(() => width / 2).strength(PULL))
    .force("down", forceY<Knot>(() => height / 2).strength(PULL * (width / height)))
    .force("frame", (alpha) => {
      // The drawing is in the middle of the frame, and makes use of it.
      for (const [axis, size, margin] of [["x", width, 70], ["y", height - 20, 28]] as const) {
        const all = knots.map((knot) => knot[axis]);
        const [least, most] = [Math.min(...all), Math.max(...all)];
        const middle = (least + most) / 2;
        const stretch = Math.min((size - 2 * margin) / (most - least || 1), 1.6) - 1;
        for (const knot of knots) {
          knot[axis] += ((size / 2 - middle) * 0.3 + (knot[axis] - middle) * stretch * 0.12) * alpha;
        }
      }
      keepInside();
    })
    .stop();

  const paint = (): void => {
    keepInside();
    for (const knot of knots) {
      knot.element.setAttribute("transform", `translate(${knot.x.toFixed(1)} ${knot.y.toFixed(1)})`);
    }
    for (const tie of ties) {
      const d = curve(tie);
      for (const path of tie.paths) path.setAttribute("d", d);
    }
  };
  const first = knots.map(({ x, y }) => ({ x, y }));
  const solve = (): void => {
    // Several beginnings where there is time for it: the one with the fewest crossings counts.
    const tries = knots.length <= 40 && ties.length <= 150 ? 6 : 1;
    let best: { x: number; y: number }[] = [];
    let least = Infinity;
    for (let attempt = 0; attempt < tries; attempt += 1) {
      knots.forEach((knot, i) => {
        const turn = attempt ? ((i * 7 + attempt * 5) % knots.length) * 2.4 + attempt : 0;
        const far = Math.sqrt((i + 0.5) / knots.length) * 0.4;
        Object.assign(knot, attempt
          ? { x: width * (0.5 + far * Math.cos(turn)), y: height * (0.5 + far * Math.sin(turn)) }
          : first[i], { vx: 0, vy: 0 });
      });
      simulation.alpha(1).stop();
      for (let i = 0; i < 300; i += 1) simulation.tick();
      keepInside();
      const score = tries > 1 ? countFaults(knots, ties) : 0;
      if (score < least) {
        least = score;
        best = knots.map(({ x, y }) => ({ x, y }));
      }
    }
    knots.forEach((knot, i) => Object.assign(knot, best[i]));
  };
  simulation.on("tick", paint);
  solve();
  let stop = (): void => {};
  if (isStill) paint();
  else stop = move(frame, knots, first, paint);

  new ResizeObserver(() => {
    if (!measure()) return;
    // Where they were gliding to is a place in a frame of another size.
    stop();
    simulation.force("across", forceX<Knot>(() => width / 2).strength(PULL));
    simulation.force("down", forceY<Knot>(() => height / 2).strength(PULL * (width / height)));
    solve();
    paint();
  }).observe(frame);

  highlight(svg, knots, ties);
  drag(svg, view, knots, (moved) => {
    if (isStill) {
      // Only what is dragged moves.
      paint();
    } else {
      simulation.alphaTarget(moved ? 0.25 : 0);
      if (moved) simulation.restart();
    }
  });
  zoomBy(frame, svg, view);
}

/** Count what makes a drawing hard to read: ties that cross, and ties that run through nodes. */
function countFaults(knots: Knot[], ties: Tie[]): number {
  const side = (a: Knot, b: Knot, c: Knot): number =>
    Math.sign((b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x));
  let faults = 0;
  ties.forEach(({ source: a, target: b }, i) => {
    for (const { source: c, target: d } of ties.slice(i + 1)) {
      if (a === c || a === d || b === c || b === d) continue;
      if (side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b)) faults += 1;
    }
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const length = dx * dx + dy * dy || 1;
    for (const knot of knots) {
      if (knot === a || knot === b) continue;
      const along = ((knot.x - a.x) * dx + (knot.y - a.y) * dy) / length;
      const away = Math.abs((knot.x - a.x) * dy - (knot.y - a.y) * dx) / Math.sqrt(length);
      if (along > 0 && along < 1 && away < knot.radius + 8) faults += 3;
    }
  });
  return faults;
}

/**
 * Let the nodes glide from where they were to where they are to be; the frame has the class
 * `moving` meanwhile. Returns what ends it at once.
 */
function move(
  frame: HTMLElement,
  knots: Knot[],
  from: { x: number; y: number }[],
  paint: () => void,
): () => void {
  const goal = knots.map(({ x, y }) => ({ x, y }));
  const start = performance.now();
  let isOver = false;
  const stop = (): void => {
    isOver = true;
    frame.classList.remove("moving");
  };
  const step = (now: number): void => {
    if (isOver) return;
    const part = Math.min(Math.max((now - start) / 700, 0), 1);
    const done = 1 - (1 - part) ** 3;
    knots.forEach((knot, i) => {
      const [before, after] = [from[i]!, goal[i]!];
      knot.x = before.x + (after.x - before.x) * done;
      knot.y = before.y + (after.y - before.y) * done;
    });
    paint();
    if (part < 1) requestAnimationFrame(step);
    else stop();
  };
  frame.classList.add("moving");
  requestAnimationFrame(step);
  return stop;
}

/** Show who is tied to what is pointed at or has the focus. */
function highlight(svg: SVGSVGElement, knots: Knot[], ties: Tie[]): void {
  const show = (event: Event): void => {
    const mark = event.target instanceof Element ? event.target.closest(".node, .edge") : null;
    const about = knots.find((knot) => knot.element === mark);
    const tie = ties.find((other) => other.element === mark);
    svg.classList.toggle("narrowed", Boolean(about ?? tie));
    const lit = new Set<Element>();
    if (about) lit.add(about.element);
    for (const other of ties) {
      if (other === tie || (about && (other.source === about || other.target === about))) {
        for (const part of [other.element, other.source.element, other.target.element]) lit.add(part);
      }
    }
    for (const part of [...knots, ...ties]) part.element.classList.toggle("lit", lit.has(part.element));
  };
  const clear = (): void => svg.classList.remove("narrowed");
  svg.addEventListener("pointerover", show);
  svg.addEventListener("focusin", show);
  svg.addEventListener("pointerleave", clear);
  svg.addEventListener("focusout", clear);
}

/** Let nodes be dragged; a drag is no click on the node's link. */
function drag(
  svg: SVGSVGElement, view: SVGGElement, knots: Knot[], onMove: (isMoving: boolean) => void,
): void {
  let held: Knot | undefined;
  let hasMoved = false;
  let start = { x: 0, y: 0 };
  const place = (event: PointerEvent): { x: number; y: number } => {
    const matrix = view.getScreenCTM();
    const point = new DOMPoint(event.clientX, event.clientY);
    return matrix ? point.matrixTransform(matrix.inverse()) : point;
  };
  svg.addEventListener("pointerdown", (event) => {
    const mark = event.target instanceof Element ? event.target.closest(".node") : null;
    held = event.button === 0 ? knots.find((knot) => knot.element === mark) : undefined;
    hasMoved = false;
    start = { x: event.clientX, y: event.clientY };
  });
  window.addEventListener("pointermove", (event) => {
    if (!held) return;
    if (!hasMoved && Math.hypot(event.clientX - start.x, event.clientY - start.y) < 4) return;
    hasMoved = true;
    const { x, y } = place(event);
    held.fx = held.x = x;
    held.fy = held.y = y;
    held.element.classList.add("dragged");
    onMove(true);
  });
  const drop = (): void => {
    if (!held) return;
    held.element.classList.remove("dragged");
    if (hasMoved) onMove(false);
    held = undefined;
  };
  window.addEventListener("pointerup", drop);
  window.addEventListener("pointercancel", drop);
  svg.addEventListener("click", (event) => {
    if (hasMoved) event.preventDefault();
    hasMoved = false;
  }, true);
  // A link would be dragged as an address otherwise.
  svg.addEventListener("dragstart", (event) => event.preventDefault());
}

/** Zoom by the buttons, by a pinch, or by the wheel with Ctrl, so that the page still scrolls. */
function zoomBy(frame: HTMLElement, svg: SVGSVGElement, view: SVGGElement): void {
  const behaviour = zoom<SVGSVGElement, unknown>()
    .scaleExtent([0.5, 6])
    .filter((event: Event) => {
      if (event instanceof WheelEvent) return event.ctrlKey || event.metaKey;
      if (window.TouchEvent && event instanceof TouchEvent) return event.touches.length > 1;
      if (event.type === "dblclick") return false;
      const isOnNode = event.target instanceof Element && event.target.closest(".node, a");
      return !isOnNode && !(event instanceof MouseEvent && event.button !== 0);
    })
    .on("zoom", () => {
      const { x, y, k } = zoomTransform(svg);
      view.setAttribute("transform", `translate(${x} ${y}) scale(${k})`);
    });
  const picture = select<SVGSVGElement, unknown>(svg).call(behaviour);
  frame.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-zoom]") : null;
    if (!button) return;
    const wish = button.getAttribute("data-zoom");
    if (wish === "fit") behaviour.transform(picture, zoomIdentity);
    else behaviour.scaleBy(picture, wish === "in" ? 1.4 : 1 / 1.4);
  });
}
