// What does every page do that its HTML alone does not?
import { offerNames } from "./shared/names";
import { showTips } from "./shared/tips";
import { makeSortable } from "./shared/sorting";

function isDark(): boolean {
  const chosen = document.documentElement.dataset["theme"];
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function toggleTheme(): void {
  const next = isDark() ? "light" : "dark";
  document.documentElement.dataset["theme"] = next;
  try {
    localStorage.setItem("theme", next);
  } catch {
    // It holds for this page then.
  }
  document.dispatchEvent(new CustomEvent("themechange"));
}

async function copy(button: HTMLElement): Promise<void> {
  const source = button.dataset["copy"] ?? "";
  const text = source.startsWith("#")
    ? (document.querySelector(source)?.textContent ?? "").trim()
    : source;
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = button.dataset["done"] ?? "✓";
  } catch {
    button.textContent = "✗";
  }
  setTimeout(() => (button.textContent = before), 1600);
}

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element)) return;
  if (event.target.closest("[data-theme-toggle]")) toggleTheme();
  const button = event.target.closest<HTMLElement>("[data-copy]");
  if (button) void copy(button);
});

// Ctrl + Enter in a field sends its form.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const field = event.target;
  if (field instanceof HTMLTextAreaElement || field instanceof HTMLInputElement) {
    field.form?.requestSubmit();
  }
});

// A form leaves out what was not filled in, so that its address stays short.
document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (form.method !== "get") return;
  for (const field of form.elements) {
    if (
      (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) &&
      field.name && field.value === "" && !field.required && !field.disabled
    ) {
      field.disabled = true;
      field.dataset["leftOut"] = "";
    }
  }
});

// Coming back by the browser's button must find the fields usable again, and as the page was made
// with them: what was chosen belongs to the page that it led to.
window.addEventListener("pageshow", (event) => {
  const [arrival] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  if (event.persisted || arrival?.type === "back_forward") {
    for (const form of document.querySelectorAll<HTMLFormElement>("form[data-live]")) form.reset();
  }
  for (const field of document.querySelectorAll<HTMLInputElement>("[data-left-out]")) {
    field.disabled = false;
    delete field.dataset["leftOut"];
  }
});

for (const field of document.querySelectorAll<HTMLInputElement>("input[data-names]")) {
  offerNames(field);
}
for (const drawing of document.querySelectorAll<HTMLElement>(".drawing")) showTips(drawing);
for (const table of document.querySelectorAll<HTMLTableElement>("table[data-sortable]")) {
  makeSortable(table);
}
