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
