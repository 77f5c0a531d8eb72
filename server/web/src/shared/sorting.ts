// In which order do the rows of a table stand? A click on a heading changes it.

function value(row: HTMLTableRowElement, column: number): string {
  const cell = row.cells[column];
  return (cell?.dataset["sort"] ?? cell?.textContent ?? "").trim();
}

function compare(a: string, b: string): number {
  // What is missing stands last, whatever the direction says of the others.
  const numbers = [a, b].map((text) => Number(text.replaceAll(",", "")));
  if (a !== "" && b !== "" && numbers.every(Number.isFinite)) return numbers[0]! - numbers[1]!;
  return a.localeCompare(b, document.documentElement.lang, { numeric: true });
}

/** Let the headings of `table` sort its rows; a third click brings back the first order. */
export function makeSortable(table: HTMLTableElement): void {
  const body = table.tBodies[0];
  const head = table.tHead?.rows[0];
  if (!body || !head) return;
  const first = [...body.rows];
  [...head.cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const before = heading.getAttribute("aria-sort");
      for (const other of head.cells) other.removeAttribute("aria-sort");
      if (before === "descending") {
        body.append(...first);
        return;
      }
      const direction = before === "ascending" ? -1 : 1;
      heading.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
      const rows = first.map((row) => [row, value(row, column)] as const);
      rows.sort(([, a], [, b]) =>
        a === "" || b === "" ? Number(a === "") - Number(b === "") : direction * compare(a, b),
      );
      body.append(...rows.map(([row]) => row));
    });
  });
}
