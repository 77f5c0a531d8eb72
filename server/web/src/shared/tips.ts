// What does a mark in a drawing stand for? Said beside it, by pointer and by keyboard.

/** Show `data-tip` of what is pointed at, or has the focus, beside it. */
export function showTips(drawing: HTMLElement): void {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  // A screen reader has the accessible name of the mark itself.
  tip.setAttribute("aria-hidden", "true");
  drawing.append(tip);

  const show = (event: Event): void => {
    const mark = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
    if (!mark) {
      tip.hidden = true;
      return;
    }
    tip.textContent = mark.getAttribute("data-tip");
    tip.hidden = false;
    const place = drawing.getBoundingClientRect();
    const at = mark.getBoundingClientRect();
    const left = at.left - place.left + drawing.scrollLeft;
    const below = at.bottom - place.top + drawing.scrollTop + 6;
    const most = drawing.scrollLeft + drawing.clientWidth - tip.offsetWidth - 4;
    tip.style.left = `${Math.max(drawing.scrollLeft + 4, Math.min(left, most))}px`;
    const lowest = drawing.scrollTop + drawing.clientHeight - tip.offsetHeight - 4;
    const above = at.top - place.top + drawing.scrollTop - tip.offsetHeight - 6;
    tip.style.top = `${below > lowest && above > drawing.scrollTop ? above : below}px`;
  };
  drawing.addEventListener("pointerover", show);
  drawing.addEventListener("focusin", show);
  drawing.addEventListener("pointerleave", () => (tip.hidden = true));
  drawing.addEventListener("focusout", () => (tip.hidden = true));
  drawing.addEventListener("keydown", (event) => {
    if (event.key === "Escape") tip.hidden = true;
  });
}
