// How is a query written, run and cancelled without leaving the page?
import { edit } from "../shared/editor/editor";
import type { Problem } from "../shared/editor/graph";
import { forget, keep, readPast } from "../shared/editor/past";
import { makeSortable } from "../shared/sorting";
import { showTips } from "../shared/tips";

const form = document.querySelector<HTMLFormElement>("#sparql")!;
const field = form.querySelector<HTMLTextAreaElement>("#query")!;
const answer = document.querySelector<HTMLElement>("#answer")!;
const cancel = form.querySelector<HTMLButtonElement>("[data-cancel]")!;
const ticking = form.querySelector<HTMLElement>(".ticking")!;
const told = form.querySelector<HTMLElement>("#told")!;
const readable = form.querySelector<HTMLElement>("#readable")!;
const beside = document.querySelector<HTMLElement>(".beside")!;
const words = JSON.parse(form.dataset["words"] ?? "{}") as Record<string, string>;

const say = (key: string): string => words[key] ?? key;
const fill = (key: string, values: Record<string, string | number>): string =>
  Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, String(value)), say(key));

const editor = edit(field, say, () => form.requestSubmit(), showProblem);

let lastRun = field.value;

// What is wrong, in words below the editor as well: not everybody sees the mark.

function showProblem(problems: readonly Problem[]): void {
  const problem = problems[0];
  // Where the answer says it already, it need not be said twice.
  const isTold = lastRun === editor.read() && answer.querySelector("[data-problem]") !== null;
  readable.hidden = !problem || isTold;
  readable.replaceChildren();
  if (!problem || isTold) return;
  if (problem.line) {
    const jump = document.createElement("button");
    jump.type = "button";
    jump.className = "quiet";
    jump.textContent = fill("line", { line: problem.line, column: problem.column });
    jump.addEventListener("click", () => editor.goTo(problem.line, problem.column));
    readable.append(jump, " ");
  }
  readable.append(`${problem.message} ${problem.remedy}`.trim());
}

// Running.

let running: AbortController | undefined;
let clock = 0;

function setRunning(isRunning: boolean): void {
  clearInterval(clock);
  cancel.hidden = ticking.hidden = !isRunning;
  form.classList.toggle("is-running", isRunning);
  answer.toggleAttribute("aria-busy", isRunning);
  if (!isRunning) return;
  const began = performance.now();
  const tick = (): void => {
    ticking.textContent = fill("seconds", { n: ((performance.now() - began) / 1000).toFixed(1) });
  };
  tick();
  clock = window.setInterval(tick, 100);
  told.textContent = say("running");
}

/** Show what the server says at `address`; returns whether that worked. */
async function load(address: string): Promise<boolean> {
  running?.abort();
  const mine = (running = new AbortController());
  setRunning(true);
  try {
    const response = await fetch(address, { headers: { Accept: "text/html" }, signal: mine.signal });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (running !== mine) return false;
    show(page);
    return response.ok;
  } catch (error) {
    if (running !== mine) return false;
    const isCancelled = error instanceof DOMException && error.name === "AbortError";
    tellInstead(say(isCancelled ? "cancelled" : "unreachable"), isCancelled ? "warning" : "problem");
    return false;
  } finally {
    if (running === mine) {
      running = undefined;
      setRunning(false);
    }
  }
}

/** Put the answer of another page, or what it says went wrong, into this one. */
function show(page: Document): void {
  const fresh = page.querySelector("#answer");
  if (!fresh) {
    // A page of another kind: an error of the server's, which has words of its own.
    tellInstead(page.querySelector("main")?.textContent?.trim() ?? "", "problem");
    return;
  }
  answer.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
  // Which graphs, generation and services are asked is a part of the address that is shown.
  const kept = (of: ParentNode): Element[] => [...of.querySelectorAll('#sparql > input[type="hidden"]')];
  for (const input of kept(document)) input.remove();
  form.append(...kept(page).map((input) => document.importNode(input, true)));
  document.title = page.title;
  for (const selector of ["#permalink"]) {
    const [old, current] = [document.querySelector(selector), page.querySelector(selector)];
    if (old && current) old.textContent = current.textContent;
  }
  document.querySelector(".asking")?.classList.toggle("is-fresh", !answer.childElementCount);
  // The answer takes the room that the examples had.
  for (const drawer of beside.querySelectorAll("details")) drawer.open = false;
  enhance(answer);
  const outcome = tellOutcome();
  told.textContent = outcome;
}

function tellInstead(text: string, kind: string): void {
  const box = document.createElement("div");
  box.className = kind;
  box.setAttribute("role", "alert");
  const line = document.createElement("p");
  line.textContent = text;
  box.append(line);
  answer.replaceChildren(box);
}

/** Return what came of the query, in a few words; marks the place of an error. */
function tellOutcome(): string {
  const problem = answer.querySelector<HTMLElement>("[data-problem]");
  if (problem) {
    const line = Number(problem.dataset["line"] ?? 0);
    if (line) {
      const column = Number(problem.dataset["column"]);
      const text = problem.querySelector("p")?.textContent ?? "";
      editor.mark({ kind: "", title: "", message: text, remedy: "", line, column });
    }
    return `${say("failed")}: ${problem.querySelector("h2")?.textContent ?? ""}`;
  }
  const counted = answer.querySelector(".count")?.textContent ?? answer.querySelector(".one-value")?.textContent;
  return [counted, answer.querySelector(".measured")?.textContent?.split(" · ")[0]]
    .map((text) => text?.replace(/\s+/g, " ").trim())
    .filter(Boolean)
    .join(", ");
}

function addressOf(): string {
  const pairs = [...new FormData(form)].filter(([, value]) => value !== "") as [string, string][];
  return `${form.getAttribute("action")}?${new URLSearchParams(pairs)}`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  // The page's own handler is for forms that are left.
  event.stopPropagation();
  void ask();
});

async function ask(): Promise<void> {
  const query = editor.read();
  if (!query.trim()) return editor.focus();
  const address = addressOf();
  if (address !== location.pathname + location.search) history.pushState(null, "", address);
  const began = Date.now();
  lastRun = query;
  readable.hidden = true;
  await load(address);
  const isWhole = answer.querySelector("[data-problem], .measured");
  if (isWhole) {
    keep({ query, at: began, outcome: tellOutcome() });
    listPast();
  }
  const top = answer.getBoundingClientRect().top;
  // An answer below the window comes into it, and the query stays in sight.
  if (top > window.innerHeight * 0.7) window.scrollBy({ top: top - window.innerHeight * 0.45 });
}

cancel.addEventListener("click", () => {
  running?.abort();
  editor.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && running && !event.defaultPrevented) running.abort();
});

// Another view of the same answer, and an example, are links; they need not load the whole page.
document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || link.origin !== location.origin || link.pathname !== "/sparql" || link.hasAttribute("download")) return;
  const parameters = new URL(link.href).searchParams;
  if (link.closest(".beside, #answer") && (parameters.has("query") || parameters.has("example"))) {
    event.preventDefault();
    history.pushState(null, "", link.href);
    void visit(link.href, link.closest(".tabs") !== null);
  }
});

/** Show an address of this page: its query in the editor, its answer below. */
async function visit(address: string, isView = false): Promise<void> {
  const parameters = new URL(address).searchParams;
  const query = parameters.get("query");
  if (query !== null) editor.write(query);
  if (parameters.has("example") || query === null) {
    const response = await fetch(address, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    // Somebody who goes back and forth fast is elsewhere by now.
    if (address !== location.href) return;
    const text = page.querySelector<HTMLTextAreaElement>("#query")?.value;
    if (text !== undefined) editor.write(text);
    show(page);
    if (parameters.has("example")) editor.focus();
    return;
  }
  await load(address);
  if (isView) answer.querySelector<HTMLElement>(".tabs [aria-current]")?.focus();
}

window.addEventListener("popstate", () => void visit(location.href));

// What the answer's parts do with a script.

function enhance(root: HTMLElement): void {
  for (const table of root.querySelectorAll<HTMLTableElement>("table[data-sortable]")) makeSortable(table);
  for (const drawing of root.querySelectorAll<HTMLElement>(".drawing")) showTips(drawing);
  const networks = root.querySelectorAll<HTMLElement>("[data-network]");
  if (networks.length) {
    void import("../shared/force").then(({ settle }) => networks.forEach((frame) => settle(frame)));
  }
  const charts = root.querySelectorAll<HTMLElement>("figure[data-chart]");
  if (charts.length) {
    void import("../shared/chart").then(({ drawChart }) => charts.forEach((figure) => drawChart(figure)));
  }
}

// Beside the editor: examples, and what was asked before.

const list = beside.querySelector<HTMLElement>(".past")!;
const forgetAll = beside.querySelector<HTMLButtonElement>("[data-forget-all]")!;
const noPast = beside.querySelector<HTMLElement>("[data-no-history]")!;

function listPast(): void {
  const past = readPast();
  noPast.textContent = past.length ? "" : say("no-history");
  noPast.hidden = past.length > 0;
  list.hidden = past.length === 0;
  forgetAll.hidden = past.length === 0;
  const date = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" });
  list.replaceChildren(
    ...past.map((entry) => {
      const item = document.createElement("li");
      const load = document.createElement("button");
      load.type = "button";
      load.className = "past-query";
      const name = document.createElement("span");
      name.textContent = nameOf(entry.query);
      const when = document.createElement("small");
      when.textContent = [date.format(entry.at), entry.outcome].filter(Boolean).join(" · ");
      load.append(name, when);
      load.title = entry.query;
      load.addEventListener("click", () => {
        editor.write(entry.query);
        editor.focus();
      });
      const drop = document.createElement("button");
      drop.type = "button";
      drop.className = "quiet forget";
      drop.textContent = "×";
      drop.setAttribute("aria-label", `${say("forget")}: ${nameOf(entry.query)}`);
      drop.title = say("forget");
      drop.addEventListener("click", () => {
        forget(entry.query);
        listPast();
      });
      item.append(load, drop);
      return item;
    }),
  );
}

function nameOf(query: string): string {
  const comment = /^\s*#(?![+\s]*defaultView)(?!\+)\s*(\S.*)/i.exec(query)?.[1];
  const text = comment ?? query.replace(/^\s*(?:(?:PREFIX|BASE)\s[^\n]*\n\s*)+/i, "").replace(/\s+/g, " ");
  return text.length > 90 ? `${text.slice(0, 89)}…` : text;
}

forgetAll.addEventListener("click", () => {
  forget();
  listPast();
});
listPast();

const wanted = beside.querySelector<HTMLInputElement>("[data-find-example]");
const tag = beside.querySelector<HTMLSelectElement>("[data-tag]");
if (wanted && tag) {
  const items = [...beside.querySelectorAll<HTMLElement>("[data-tags]")];
  const none = beside.querySelector<HTMLElement>("[data-no-example]")!;
  const narrow = (): void => {
    const parts = wanted.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of items) {
      const text = `${item.textContent} ${item.dataset["tags"]}`.toLowerCase();
      const isTagged = !tag.value || item.dataset["tags"]!.split(" ").includes(tag.value);
      item.hidden = !(isTagged && parts.every((part) => text.includes(part)));
      if (!item.hidden) shown++;
    }
    none.hidden = shown > 0;
    none.textContent = shown ? "" : say("none");
  };
  wanted.addEventListener("input", narrow);
  tag.addEventListener("change", narrow);
}

form.querySelector("[data-tidy]")?.addEventListener("click", () => editor.tidy());

// The page came with an answer: what it says of the query is marked, too.
if (answer.querySelector("[data-problem]")) tellOutcome();
