// Which things have a name like the one that is being typed?

/** One thing as /search?format=json tells it. */
export interface Named {
  /** Its IRI. */
  iri: string;
  /** Its prefixed name, as state:russia. */
  name: string;
  label: string;
  /** Its class in words. */
  class: string;
  /** Where this server shows it. */
  path: string;
}

let serial = 0;

/** Return the things whose names fit `text`, best first. */
export async function findNames(
  text: string,
  options: { kind?: string; limit?: number; signal?: AbortSignal } = {},
): Promise<Named[]> {
  const query = new URLSearchParams({ q: text, format: "json", limit: String(options.limit ?? 8) });
  if (options.kind) query.set("kind", options.kind);
  const response = await fetch(`/search?${query}`, options.signal ? { signal: options.signal } : {});
  if (!response.ok) return [];
  const found = (await response.json()) as { results: Named[] };
  return found.results;
}

/**
 * Offer names below a field while somebody types (WAI-ARIA's combobox).
 *
 * `data-names` of the field says what to do with a choice: "go" opens its page, "fill" writes its
 * prefixed name. `data-kind` limits the offers to a kind of things.
 */
export function offerNames(field: HTMLInputElement): void {
  const list = document.createElement("ul");
  list.className = "suggestions";
  list.id = `names-${++serial}`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", field.labels?.[0]?.textContent ?? field.getAttribute("aria-label") ?? "");
  list.hidden = true;
  field.after(list);
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-expanded", "false");
  field.setAttribute("aria-controls", list.id);
  field.autocomplete = "off";
  let found: Named[] = [];
  let chosen = -1;
  let running: AbortController | undefined;
  let timer = 0;

  /** What is still being asked must not change, or bring back, the list that somebody dealt with. */
  const stop = (): void => {
    clearTimeout(timer);
    running?.abort();
  };
  const close = (): void => {
    stop();
    list.hidden = true;
    chosen = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };
  const mark = (index: number): void => {
    chosen = index;
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === index)));
    if (index >= 0) field.setAttribute("aria-activedescendant", `${list.id}-${index}`);
    else field.removeAttribute("aria-activedescendant");
  };
  const take = (index: number): void => {
    const thing = found[index];
    if (!thing) return;
    close();
    if (field.dataset["names"] === "fill") {
      field.value = thing.name;
      field.title = thing.label;
      field.dispatchEvent(new Event("change", { bubbles: true }));
    } else {
      location.href = thing.path;
    }
  };
  const ask = async (): Promise<void> => {
    running?.abort();
    const text = field.value.trim();
    if (text.length < 2) return close();
    const mine = (running = new AbortController());
    try {
      const kind = field.dataset["kind"];
      found = await findNames(text, { ...(kind ? { kind } : {}), signal: mine.signal });
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return;
      return close(); // the form still works
    }
    list.replaceChildren(
      ...found.map((thing, i) => {
        const item = document.createElement("li");
        item.id = `${list.id}-${i}`;
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", "false");
        const label = document.createElement("span");
        label.textContent = thing.label;
        const kind = document.createElement("small");
        kind.textContent = thing.class;
        item.append(label, kind);
        item.addEventListener("mousedown", (event) => {
          event.preventDefault();
          take(i);
        });
        return item;
      }),
    );
    list.hidden = found.length === 0;
    field.setAttribute("aria-expanded", String(found.length > 0));
    mark(-1);
  };

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void ask(), 140);
  });
  field.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      stop();
      const step = event.key === "ArrowDown" ? 1 : -1;
      mark((chosen + step + found.length) % found.length);
    } else if (event.key === "Enter" && chosen >= 0 && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      take(chosen);
    } else if (event.key === "Escape") {
      event.preventDefault();
      close();
    }
  });
  field.addEventListener("blur", close);
}
