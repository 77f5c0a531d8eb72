// What has to be there before the page is?

// Which theme did the reader choose? Asked before anything is drawn, so that nothing flashes.
{
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") root.dataset["theme"] = chosen;
  } catch {
    // Where a browser keeps nothing for us, its own theme is taken.
  }
}

// A choice in such a form is an answer already; its button is for those without scripts. So somebody
// has to listen before there is anything to choose, which the other scripts come too late for.
document.addEventListener("change", (event) => {
  if (!(event.target instanceof Element)) return;
  const form = event.target.closest<HTMLFormElement>("form[data-live]");
  if (form) form.requestSubmit();
});
