// How is a text judged, mended and submitted without leaving the page?
//
// The page is the server's: its form is sent, and the outcome in the answer takes the place of the
// one before. What the server marks in its listing, the editor marks in its own lines.
import { editData, type Mark } from "../shared/editor/data";
import { problemOf, tokenOf } from "../shared/token";

/** A text up to this size is read into the editor; a longer one goes as a file. */
const SHOWN = 200_000;

const form = document.querySelector<HTMLFormElement>("#trial")!;
const field = form.querySelector<HTMLTextAreaElement>("#data")!;
const files = form.querySelector<HTMLInputElement>("#file")!;
const name = form.querySelector<HTMLInputElement>('input[name="name"]')!;
const shownName = form.querySelector<HTMLElement>("[data-name]")!;
const status = form.querySelector<HTMLElement>("[data-status]")!;
const outcome = document.querySelector<HTMLElement>("#outcome")!;
const editor = editData(field, () => form.requestSubmit());
let running: AbortController | undefined;

const SEVERITIES: Readonly<Record<string, Mark["severity"]>> = { violation: "error", warning: "warning" };

/** Mark in the editor what the server marked in its listing. */
function mark(): void {
  const marks: Mark[] = [];
  for (const finding of outcome.querySelectorAll<HTMLElement>(".finding")) {
    const line = Number(finding.querySelector<HTMLElement>("[data-goto]")?.dataset["goto"]);
    if (!line) continue;
    const kind = [...finding.classList].find((one) => one.startsWith("finding-")) ?? "";
    marks.push({
      line,
      column: 0,
      severity: SEVERITIES[kind.replace("finding-", "")] ?? "info",
      message: finding.querySelector(".finding-words")?.textContent ?? "",
      actions: [...finding.querySelectorAll<HTMLButtonElement>('button[name="mend"]')].map((button) => ({
        name: button.textContent ?? "",
        run: () => button.click(),
      })),
    });
  }
  const broken = outcome.querySelector<HTMLElement>(".problem > p > [data-column]");
  if (broken) {
    marks.push({
      line: Number(broken.dataset["goto"]),
      column: Number(broken.dataset["column"]),
      severity: "error",
      message: outcome.querySelector(".problem p")?.firstChild?.textContent?.trim() ?? "",
      actions: [],
    });
  }
  editor.mark(marks);
  // Where the editor shows the text, the listing only repeats it.
  const isSame = Boolean(outcome.querySelector('[formaction], [data-column], [name="declare"]'));
  if (isSame) for (const listing of outcome.querySelectorAll(".listing-part")) listing.remove();
  connect();
}

/** Send the form and show what comes back in the place of what was there. */
async function judge(submitter: HTMLElement | null, note = ""): Promise<void> {
  running?.abort();
  const mine = (running = new AbortController());
  const body = new FormData(form, submitter);
  status.textContent = form.dataset["running"] ?? "";
  outcome.setAttribute("aria-busy", "true");
  try {
    const response = await fetch("/validate", {
      method: "POST",
      body,
      headers: { Accept: "text/html" },
      signal: mine.signal,
    });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector<HTMLElement>("#outcome");
    if (!fresh) throw new Error(page.querySelector("main")?.textContent?.trim() ?? response.statusText);
    take(page, fresh);
    if (note) {
      const said = document.createElement("p");
      said.className = "problem";
      said.setAttribute("role", "alert");
      said.textContent = note;
      outcome.prepend(said);
    }
    outcome.querySelector<HTMLElement>("[data-verdict]")?.focus({ preventScroll: true });
    outcome.scrollIntoView({ block: "nearest" });
    status.textContent = "";
  } catch (error) {
    if (mine.signal.aborted) return;
    status.textContent = `${form.dataset["failed"] ?? ""} ${(error as Error).message}`;
  } finally {
    if (running === mine) outcome.removeAttribute("aria-busy");
  }
}

function take(page: Document, fresh: HTMLElement): void {
  for (const { name: attribute } of [...outcome.attributes]) {
    if (attribute.startsWith("data-")) outcome.removeAttribute(attribute);
  }
  for (const { name: attribute, value } of fresh.attributes) outcome.setAttribute(attribute, value);
  outcome.replaceChildren(...fresh.childNodes);
  const text = page.querySelector<HTMLTextAreaElement>("#data")?.value ?? "";
  // Several files, or a long one: their text is not on the page.
  if (text) editor.write(text);
  if (text || !files.value) {
    name.value = page.querySelector<HTMLInputElement>('input[name="name"]')?.value ?? "";
    shownName.replaceChildren(...(page.querySelector("[data-name]")?.childNodes ?? []));
  }
  if (text) files.value = "";
  document.title = page.title;
  mark();
}

form.addEventListener("submit", (event) => {
  const submitter = event.submitter;
  // A report to take away comes by the browser's own means.
  if (submitter?.hasAttribute("formaction")) return;
  event.preventDefault();
  void judge(submitter);
});

// From a result to its line in the editor.
outcome.addEventListener("click", (event) => {
  const link = (event.target as Element).closest<HTMLElement>("[data-goto]");
  if (!link || outcome.querySelector(link.getAttribute("href") ?? "-")) return;
  event.preventDefault();
  editor.goTo(Number(link.dataset["goto"]), Number(link.dataset["column"] ?? 0));
});

// A file that is dropped, or chosen, is read into the editor.
async function read(list: FileList): Promise<void> {
  const file = list[0];
  if (!file) return;
  if (list.length > 1 || file.size > SHOWN) {
    const transfer = new DataTransfer();
    for (const one of list) transfer.items.add(one);
    files.files = transfer.files;
    editor.write("");
    name.value = "";
    shownName.textContent = [...list].map((one) => one.name).join(", ");
  } else {
    editor.write((await file.text()).replace(/^\ufeff/, ""));
    files.value = "";
    name.value = file.name;
    const bold = document.createElement("b");
    bold.textContent = file.name;
    shownName.replaceChildren(`${form.dataset["dropped"] ?? ""} `, bold);
    form.querySelector<HTMLSelectElement>("#format")!.value = "auto";
  }
  form.requestSubmit();
}

files.addEventListener("change", () => {
  if (files.files?.length) void read(files.files);
});
for (const kind of ["dragenter", "dragover"] as const) {
  form.addEventListener(kind, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    form.classList.add("is-dropping");
  });
}
form.addEventListener("dragleave", (event) => {
  if (!form.contains(event.relatedTarget as Node | null)) form.classList.remove("is-dropping");
});
form.addEventListener(
  "drop",
  (event) => {
    form.classList.remove("is-dropping");
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    event.stopPropagation();
    void read(event.dataTransfer.files);
  },
  true,
);

// With a token, the text goes to the graph. The token is in its field, and in the request.
function connect(): void {
  const submission = outcome.querySelector<HTMLFormElement>("form[data-submit]");
  if (!submission) return;
  const token = tokenOf(submission);
  const told = submission.querySelector<HTMLElement>("[data-outcome]")!;
  submission.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit(submission, told, token.read());
  });
}

function address(): string {
  if (outcome.dataset["update"]) return "/update";
  const target = outcome.dataset["target"];
  if (target) return `/store?graph=${encodeURIComponent(target)}`;
  return outcome.dataset["hasGraphs"] ? "/store" : "/store?default";
}

async function submit(submission: HTMLFormElement, told: HTMLElement, token: string): Promise<void> {
  const button = submission.querySelector("button")!;
  button.disabled = true;
  told.textContent = submission.dataset["sending"] ?? "";
  try {
    const response = await fetch(address(), {
      method: "POST",
      body: field.value,
      headers: {
        Authorization: `Bearer ${token}`,
        "Content-Type": outcome.dataset["mediaType"] ?? "text/turtle",
        Accept: "application/json",
      },
    });
    if (response.ok) {
      told.textContent = "";
      published(response.headers.get("Peninsula-Generation") ?? "");
      return;
    }
    const reason = `${submission.dataset["refused"] ?? ""} ${await problemOf(response)}`;
    told.textContent = reason;
    // What the graph's own gate says, in the form in which the page tells it.
    if (response.status === 422 || response.status === 400) await judge(null, reason);
  } catch (error) {
    told.textContent = String(error);
  } finally {
    button.disabled = false;
  }
}

function published(generation: string): void {
  const message = outcome.querySelector<HTMLElement>("[data-published]");
  if (!message) return;
  message.querySelector("[data-number]")!.textContent = generation;
  message.querySelector<HTMLAnchorElement>("[data-history]")!.href = `/history/${generation}`;
  const before = Math.max(Number(generation) - 1, 1);
  message.querySelector<HTMLAnchorElement>("[data-since]")!.href = `/history/diff?from=${before}&to=${generation}`;
  message.hidden = false;
  message.focus();
}

mark();
