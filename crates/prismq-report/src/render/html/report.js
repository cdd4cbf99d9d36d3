// Three comforts: the switch between light and dark, the environment on paper, and tables that sort. The page says everything without.
"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("scheme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.scheme || (system.matches ? "dark" : "light")) === "dark";
  const name = () => { button.textContent = dark() ? "Light" : "Dark"; };
  button.addEventListener("click", () => { root.dataset.scheme = dark() ? "light" : "dark"; name(); });
  system.addEventListener("change", name);
  button.hidden = false;
  name();

  // Paper cannot unfold anything.
  const environment = document.getElementById("environment");
  let open = environment.open;
  addEventListener("beforeprint", () => { open = environment.open; environment.open = true; });
  addEventListener("afterprint", () => { environment.open = open; });

  const key = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.value === undefined ? cell.textContent : cell.dataset.value;
    const number = text === "" ? NaN : parseFloat(text.replace(/[^0-9.eE+-]/g, ""));
    return cell.classList.contains("figure") ? number : text;
  };
  const order = (one, other) => {
    if (typeof one === "string") return one.localeCompare(other);
    if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) - Number.isNaN(other);
    return one - other;
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const control = document.createElement("button");
      control.type = "button";
      control.append(...head.childNodes);
      head.append(control);
      control.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") !== "descending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...table.tBodies[0].rows];
        rows.sort((one, other) => (down ? -1 : 1) * order(key(one, column), key(other, column)));
        table.tBodies[0].append(...rows);
      });
    });
  }
})();
