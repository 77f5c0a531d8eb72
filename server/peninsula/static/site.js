// Ctrl + Enter in the editor asks; a form leaves out what was not filled in.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) {
    event.target.form.requestSubmit();
  }
});
document.addEventListener("submit", (event) => {
  for (const field of event.target.elements) {
    if (field.name && field.value === "" && !field.required) field.disabled = true;
  }
});
// Coming back by the browser's button must find the fields usable again.
window.addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form :disabled")) field.disabled = false;
});
