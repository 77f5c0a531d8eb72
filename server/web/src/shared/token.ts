// How does a page hold a token? In its field; in the tab's session if the reader asks; nowhere else.
const NAME = "token";

/** Fill the token's field of a form from this tab's session, and keep it there where wished. */
export function tokenOf(form: HTMLElement): { read(): string; field: HTMLInputElement } {
  const field = form.querySelector<HTMLInputElement>('input[type="password"]');
  const remember = form.querySelector<HTMLInputElement>("[data-remember]");
  if (!field) throw new Error("a form for a token needs its field");
  try {
    const kept = sessionStorage.getItem(NAME);
    if (kept && !field.value) {
      field.value = kept;
      if (remember) remember.checked = true;
    }
  } catch {
    // It is typed again then.
  }
  const keep = (): void => {
    try {
      if (remember?.checked && field.value) sessionStorage.setItem(NAME, field.value);
      else sessionStorage.removeItem(NAME);
    } catch {
      // The browser keeps nothing; neither do we.
    }
  };
  remember?.addEventListener("change", keep);
  return {
    field,
    read: () => {
      keep();
      return field.value.trim();
    },
  };
}

/** What the server says of a request that it refused. */
export async function problemOf(response: Response): Promise<string> {
  try {
    const told = (await response.json()) as { detail?: string; remedy?: string };
    return [told.detail, told.remedy].filter(Boolean).join(" ") || response.statusText;
  } catch {
    return `${response.status} ${response.statusText}`;
  }
}
