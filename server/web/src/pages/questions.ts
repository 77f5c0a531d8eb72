// Which questions fit what is being typed? The server finds them; the page shows them at once.

const form = document.querySelector<HTMLFormElement>("form[data-questions]");
const field = form?.querySelector<HTMLInputElement>("input[name=q]");
let running: AbortController | undefined;
let timer = 0;

async function find(): Promise<void> {
  if (!form) return;
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value) asked.append(name, String(value));
  const address = `${form.action}${asked.size ? `?${asked}` : ""}`;
  running?.abort();
  const mine = (running = new AbortController());
  try {
    const response = await fetch(address, { headers: { Accept: "text/html" }, signal: mine.signal });
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const found = page.querySelector("#found");
    if (!found || mine.signal.aborted) return;
    document.querySelector("#found")?.replaceWith(document.adoptNode(found));
    // The address says what is shown, so that it can be kept; “back” leaves the list.
    history.replaceState(null, "", address);
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "AbortError")) throw error;
  }
}

field?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = window.setTimeout(() => void find(), 160);
});
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  // The form is not left: its empty fields need not be taken out of it.
  event.stopPropagation();
  clearTimeout(timer);
  void find();
});
