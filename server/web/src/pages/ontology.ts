// Which terms have a name like the one that is typed? The others step back.

for (const field of document.querySelectorAll<HTMLInputElement>("[data-narrows]")) {
  const entries = [...document.querySelectorAll<HTMLElement>(field.dataset["narrows"] ?? "")];
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLocaleLowerCase();
    for (const entry of entries) {
      entry.hidden = !(entry.dataset["term"] ?? "").toLocaleLowerCase().includes(wanted);
    }
    for (const section of document.querySelectorAll<HTMLElement>("[data-narrowed]")) {
      section.hidden = !section.querySelector(".term:not([hidden])");
    }
  });
}
