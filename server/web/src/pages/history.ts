// How is a generation kept for good with a token?
import { problemOf, tokenOf } from "../shared/token";

const form = document.querySelector<HTMLFormElement>("form[data-pin]");
if (form) {
  const token = tokenOf(form);
  const outcome = form.querySelector<HTMLElement>("[data-outcome]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void pin();
  });
  const pin = async (): Promise<void> => {
    const button = form.querySelector("button");
    if (button) button.disabled = true;
    let told: string;
    try {
      const response = await fetch(form.dataset["pin"] ?? "", {
        method: "PUT",
        headers: { Authorization: `Bearer ${token.read()}`, Accept: "application/json" },
      });
      told = response.ok
        ? (form.dataset["done"] ?? "✓")
        : `${form.dataset["refused"] ?? ""} ${await problemOf(response)}`;
    } catch (error) {
      told = String(error);
    }
    if (outcome) outcome.textContent = told;
    if (button) button.disabled = false;
  };
}
