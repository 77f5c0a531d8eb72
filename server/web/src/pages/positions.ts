// How does the page of positions follow the slider, and how are the cells of its matrix walked?
import { showTips } from "../shared/tips";

/** What an answer replaces; the slider itself stays, so that it can be dragged on. */
const SWAPPED = ["shown", "when", "filters", "permalink"];
const slider = document.querySelector<HTMLInputElement>("#slider");

let running: AbortController | undefined;
let timer = 0;

/** Return the address with the day chosen, or without a day. */
function addressOn(day: string | null): URL {
  const address = new URL(location.href);
  for (const name of ["on", "from", "until", "page"]) address.searchParams.delete(name);
  if (day) address.searchParams.set("on", day);
  address.hash = "";
  return address;
}

/** Return the first day of the month that the slider is at. */
function dayOf(field: HTMLInputElement): string {
  const [year, month] = (field.dataset["first"] ?? "2000-01").split("-").map(Number) as [number, number];
  const months = year * 12 + month - 1 + Number(field.value);
  return `${String(Math.floor(months / 12)).padStart(4, "0")}-${String((months % 12) + 1).padStart(2, "0")}-01`;
}

/** Take over from `answer` what depends on the address. */
function swap(answer: Document): void {
  for (const id of SWAPPED) {
    const fresh = answer.getElementById(id);
    const old = document.getElementById(id);
    if (fresh && old) old.replaceWith(document.adoptNode(fresh));
  }
  const heading = answer.querySelector("main > .lead");
  if (heading) document.querySelector("main > .lead")?.replaceWith(document.adoptNode(heading));
  for (const [place, year] of [...document.querySelectorAll(".year-strip a")].entries()) {
    const fresh = answer.querySelectorAll(".year-strip a")[place];
    if (fresh?.hasAttribute("aria-current")) year.setAttribute("aria-current", "true");
    else year.removeAttribute("aria-current");
    if (fresh) year.setAttribute("href", fresh.getAttribute("href") ?? "");
  }
  // The other languages lead to the same page, as it is now.
  for (const other of document.querySelectorAll("header .tools a[hreflang]")) {
    const fresh = answer.querySelector(`header .tools a[hreflang="${other.getAttribute("hreflang")}"]`);
    if (fresh) other.setAttribute("href", fresh.getAttribute("href") ?? "");
  }
  for (const drawing of document.querySelectorAll<HTMLElement>("#shown .drawing")) showTips(drawing);
}

/** Show the page at `address` without leaving this one. */
async function show(address: URL): Promise<boolean> {
  running?.abort();
  const mine = (running = new AbortController());
  const shown = document.getElementById("shown");
  shown?.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(address, { signal: mine.signal, headers: { Accept: "text/html" } });
    if (!response.ok) throw new Error(`${response.status}`);
    const text = await response.text();
    if (mine.signal.aborted) return false;
    const scroll = document.querySelector(".matrix")?.scrollLeft ?? 0;
    swap(new DOMParser().parseFromString(text, "text/html"));
    const matrix = document.querySelector(".matrix");
    if (matrix) matrix.scrollLeft = scroll;
    return true;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return false;
    // The ordinary way says what is wrong.
    location.assign(address);
    return false;
  } finally {
    if (running === mine) document.getElementById("shown")?.removeAttribute("aria-busy");
  }
}

function tell(field: HTMLInputElement, day: string): void {
  field.setAttribute("aria-valuetext", day);
}

if (slider) {
  // While it is dragged the page follows; where it is let go is a step to come back to.
  slider.addEventListener("input", () => {
    const day = dayOf(slider);
    tell(slider, day);
    clearTimeout(timer);
    timer = window.setTimeout(() => void show(addressOn(day)), 90);
  });
  slider.addEventListener("change", () => {
    clearTimeout(timer);
    const address = addressOn(dayOf(slider));
    if (address.href !== location.href) history.pushState(null, "", address);
    void show(address);
  });
}

/** Put the slider where the address says. */
function followAddress(): void {
  const on = new URL(location.href).searchParams.get("on");
  if (!slider) return;
  const [firstYear, firstMonth] = (slider.dataset["first"] ?? "2000-01").split("-").map(Number) as [number, number];
  if (on) {
    const [year, month] = on.split("-").map(Number) as [number, number];
    slider.value = String((year - firstYear) * 12 + month - firstMonth);
    tell(slider, on);
  } else {
    slider.value = slider.max;
    tell(slider, slider.dataset["all"] ?? "");
  }
}

window.addEventListener("popstate", () => {
  // A step to a place on the page is no new page.
  if (location.hash) return;
  followAddress();
  void show(new URL(location.href));
});

// Links within the time controls and the folds change the page in place, too.
document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element
    ? event.target.closest<HTMLAnchorElement>("#time a, .matrix a.unfold, .unfold-links a")
    : null;
  if (!link) return;
  event.preventDefault();
  const address = new URL(link.href);
  const isFold = link.matches(".unfold");
  const name = link.getAttribute("aria-label");
  history.pushState(null, "", address);
  followAddress();
  void show(address).then((done) => {
    if (!done || !name) return;
    // The link that was used is a new one now; the focus stays with it.
    const again = [...document.querySelectorAll<HTMLElement>(isFold ? ".matrix a.unfold" : "#time a")]
      .find((one) => one.getAttribute("aria-label") === name);
    again?.focus();
  });
});

// A day that is typed or picked changes the page in place.
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.closest("#when")) return;
    event.preventDefault();
    const address = new URL(form.action);
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string" && value !== "") address.searchParams.append(name, value);
    }
    history.pushState(null, "", address);
    followAddress();
    void show(address);
  },
  true,
);

// Arrow keys walk from cell to cell.
document.addEventListener("keydown", (event) => {
  const steps: Record<string, [number, number]> = {
    ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0],
  };
  const step = steps[event.key];
  const cell = event.target instanceof Element ? event.target.closest<HTMLTableCellElement>(".matrix td, .matrix th") : null;
  if (!step || !cell || !(event.target as Element).matches("a") || event.ctrlKey || event.metaKey || event.altKey) return;
  const table = cell.closest("table");
  if (!table) return;
  const rows = [...table.rows].filter((row) => row.cells.length > 1);
  let row = rows.indexOf(cell.parentElement as HTMLTableRowElement);
  let column = cell.cellIndex;
  for (;;) {
    row += step[0];
    column += step[1];
    const next = rows[row]?.cells[column];
    if (!next) return;
    const link = next.querySelector<HTMLElement>("a:not(.unfold)");
    if (link) {
      event.preventDefault();
      link.focus();
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
      return;
    }
  }
});
