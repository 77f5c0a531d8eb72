// How do the numbers of an answer become a chart?
//
// The server says what is drawn (data-chart, see peninsula.depiction). The library puts a <style>
// element into its picture, which the page's Content-Security-Policy forbids; its rules stand in
// styles/pages/questions.css.
import {
  axisX,
  axisY,
  barX,
  dot,
  gridX,
  gridY,
  lineY,
  plot,
  pointer,
  ruleX,
  ruleY,
  text,
  tip,
  type Markish,
  type PlotOptions,
} from "@observablehq/plot";
import { offerPicture } from "./picture";

interface Point {
  x: string;
  y: number;
  series: string;
  label: string;
  path: string;
  tip: string;
}

/** What the server says of a chart. */
interface Chart {
  kind: "bar" | "line" | "line-date" | "scatter";
  x: string;
  y: string;
  series: string[];
  points: Point[];
}

const COLOURS = [1, 2, 3, 4, 5, 6].map((n) => `var(--series-${n})`);
const SYMBOLS = ["circle", "square", "triangle", "diamond", "star", "wye"] as const;

const colourOf = (chart: Chart): string | ((point: Point) => string) =>
  chart.series.length ? (point) => point.series : "var(--series-1)";

function commonOptions(chart: Chart): PlotOptions {
  return {
    className: "plot",
    style: { background: "none" },
    color: { domain: chart.series, range: COLOURS.slice(0, Math.max(1, chart.series.length)) },
    symbol: { domain: chart.series, range: SYMBOLS.slice(0, Math.max(1, chart.series.length)) },
  };
}

function measure(texts: string[], font: string): number {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return 160;
  context.font = font;
  return Math.max(0, ...texts.map((text) => context.measureText(text).width));
}

function drawBars(chart: Chart, width: number): Element {
  const names = [...new Set(chart.points.map((point) => point.x))];
  const widest = measure(names, "14px sans-serif") + 16;
  const margin = Math.min(widest, Math.max(110, width * 0.42));
  return plot({
    ...commonOptions(chart),
    width,
    height: names.length * 27 + 54,
    marginLeft: margin,
    marginRight: 48,
    y: { domain: names, label: null, type: "band" },
    x: { label: chart.y, labelAnchor: "right", labelArrow: "none" },
    marks: [
      gridX(),
      axisX({ label: chart.y, labelArrow: "none", ticks: Math.max(2, width / 110) }),
      axisY({ tickSize: 0, lineWidth: (margin - 14) / 14, textOverflow: "ellipsis" }),
      barX(chart.points, {
        x: "y",
        y: "x",
        fill: colourOf(chart),
        insetTop: 3,
        insetBottom: 3,
        href: (point: Point) => point.path || null,
        target: "_self",
        ariaLabel: "tip",
        tip: { format: { x: false, y: false, fill: false, href: false }, channels: {} },
        title: "tip",
      }),
      text(totals(chart), { x: "sum", y: "name", text: "said", textAnchor: "start", dx: 6 }),
      ruleX([0]),
    ],
  });
}

/** Return the end of each bar, and its number. */
function totals(chart: Chart): { name: string; sum: number; said: string }[] {
  const sums = new Map<string, number>();
  for (const point of chart.points) sums.set(point.x, (sums.get(point.x) ?? 0) + point.y);
  return [...sums].map(([name, sum]) => ({
    name,
    sum: Math.max(0, sum),
    said: sum.toLocaleString(document.documentElement.lang),
  }));
}

/** Return whole numbers from `first` to `last`, at most about `most` of them, 1, 2 or 5 apart. */
function wholeTicks(first: number, last: number, most: number): number[] {
  let step = 1;
  for (let i = 0; (last - first) / step > most; i++) step *= i % 3 === 1 ? 2.5 : 2;
  const ticks = [];
  for (let tick = Math.ceil(first / step) * step; tick <= last; tick += step) ticks.push(tick);
  return ticks;
}

function drawPlane(chart: Chart, width: number): Element {
  const xOf = (point: Point): number | Date =>
    chart.kind === "line-date" ? new Date(point.x) : Number(point.x);
  const colour = colourOf(chart);
  const ends = { x: xOf, y: "y" } as const;
  const years = chart.points.map((point) => Number(point.x));
  const ys = chart.points.map((point) => point.y);
  const isWhole = ys.every(Number.isInteger);
  const marks: Markish[] = [
    gridY(isWhole ? { ticks: wholeTicks(Math.min(0, ...ys), Math.max(...ys), 8) } : {}),
    ruleY([0]),
    axisX({
      label: chart.x,
      labelArrow: "right",
      ...(chart.kind === "line"
        ? { ticks: wholeTicks(Math.min(...years), Math.max(...years), width / 90), tickFormat: String }
        : { ticks: Math.max(3, width / 120) }),
    }),
    axisY({
      label: chart.y,
      labelArrow: "up",
      ...(isWhole
        ? {
            ticks: wholeTicks(Math.min(0, ...ys), Math.max(...ys), 8),
            tickFormat: (n: number) => n.toLocaleString(document.documentElement.lang),
          }
        : {}),
    }),
  ];
  if (chart.kind !== "scatter") {
    marks.push(lineY(chart.points, { ...ends, stroke: colour, z: "series", strokeWidth: 2 }));
  }
  marks.push(
    dot(chart.points, {
      ...ends,
      fill: colour,
      r: chart.kind === "scatter" ? 5 : 4,
      ...(chart.series.length ? { symbol: "series" } : {}),
      href: (point: Point) => point.path || null,
      target: "_self",
      ariaLabel: "tip",
    }),
    tip(chart.points, pointer({ ...ends, title: "tip" })),
  );
  return plot({ ...commonOptions(chart), width, height: Math.min(460, Math.max(280, width / 2)), marginLeft: 54, marginRight: 24, marks });
}

function makeLegend(chart: Chart): HTMLElement {
  const list = document.createElement("ul");
  list.className = "legend";
  for (const name of chart.series) {
    const item = document.createElement("li");
    const mark = plot({
      ...commonOptions(chart),
      width: 14,
      height: 14,
      margin: 0,
      axis: null,
      x: { domain: [-1, 1] },
      y: { domain: [-1, 1] },
      marks: [dot([name], { x: 0, y: 0, r: 5, fill: (d: string) => d, symbol: (d: string) => d })],
    });
    mark.querySelector("style")?.remove();
    mark.setAttribute("aria-hidden", "true");
    item.append(mark, ` ${name}`);
    list.append(item);
  }
  return list;
}

/** Draw the chart that `figure` holds the numbers of, and again when its width changes. */
export function drawChart(figure: HTMLElement): void {
  const chart = JSON.parse(figure.dataset["chart"] ?? "{}") as Chart;
  const frame = document.createElement("div");
  frame.className = "drawing chart-frame";
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", figure.getAttribute("aria-label") ?? "");
  const before = figure.querySelector(".drawing");
  const hasLegend = figure.querySelector(".legend") !== null;
  if (before) before.replaceWith(frame);
  else figure.append(frame);
  if (chart.series.length && !hasLegend) figure.insertBefore(makeLegend(chart), frame);

  let drawnWidth = 0;
  const draw = (): void => {
    const width = Math.max(280, Math.floor(frame.clientWidth));
    if (width === drawnWidth) return;
    drawnWidth = width;
    const picture = chart.kind === "bar" ? drawBars(chart, width) : drawPlane(chart, width);
    for (const style of picture.querySelectorAll("style")) style.remove();
    // Plot names its groups, which without a role may have no name.
    for (const group of picture.querySelectorAll("g[aria-label]:not([role])")) group.removeAttribute("aria-label");
    picture.setAttribute("role", "group");
    picture.setAttribute("aria-label", figure.getAttribute("aria-label") ?? "");
    frame.replaceChildren(picture);
  };
  draw();
  new ResizeObserver(draw).observe(frame);
  offerPicture(figure, () => frame.querySelector("svg"));
}
