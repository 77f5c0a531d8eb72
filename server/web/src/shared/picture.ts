// How is a drawing taken away as a file?

const KEPT = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
  "stroke-linecap", "opacity", "font-family", "font-size", "font-weight", "text-anchor",
  "paint-order", "visibility", "display",
];

/** Return `drawing` as a file that looks the same without the page's style sheet. */
function writeSvg(drawing: SVGSVGElement): string {
  const copy = drawing.cloneNode(true) as SVGSVGElement;
  const originals = [drawing, ...drawing.querySelectorAll("*")];
  const copies = [copy, ...copy.querySelectorAll("*")];
  copies.forEach((element, i) => {
    const style = getComputedStyle(originals[i]!);
    for (const name of KEPT) element.setAttribute(name, style.getPropertyValue(name));
    element.removeAttribute("style");
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  ground.setAttribute("width", "100%");
  ground.setAttribute("height", "100%");
  ground.setAttribute("fill", getComputedStyle(drawing.parentElement ?? document.body).backgroundColor);
  copy.prepend(ground);
  return new XMLSerializer().serializeToString(copy);
}

/** Add a button to `figure` that saves the drawing that `find` returns. */
export function offerPicture(figure: HTMLElement, find: () => SVGSVGElement | null): void {
  const link = document.querySelector<HTMLElement>(".answer .downloads");
  if (!link || figure.dataset["picture"]) return;
  figure.dataset["picture"] = "offered";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "as-link";
  button.textContent = "SVG";
  button.addEventListener("click", () => {
    const drawing = find();
    if (!drawing) return;
    const file = new Blob([writeSvg(drawing)], { type: "image/svg+xml" });
    const anchor = document.createElement("a");
    anchor.href = URL.createObjectURL(file);
    const name = link.querySelector<HTMLAnchorElement>("a[download]")?.download ?? "answer";
    anchor.download = `${name.replace(/\.[a-z]+$/, "")}.svg`;
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
  });
  link.append(button);
}
