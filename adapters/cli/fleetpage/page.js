"use strict";
// People can read the page without this script. The script filters and sorts the
// rows and copies commands. It writes no markup and opens no connection.
(() => {
  const $ = (id) => document.getElementById(id);
  const tools = document.querySelector(".tools");
  if (!tools) return;
  const table = document.querySelector(".rows");
  const heads = [...table.querySelectorAll("[data-sort]")];
  const time = (cell) => cell?.querySelector("time")?.dateTime || "";
  const groups = [...table.tBodies].map((body) => ({
    body,
    rows: [...body.rows].slice(1).map((row, place) => {
      const [instance, region, expires, renewal] = row.cells;
      return {
        row, place, id: instance.querySelector("code").textContent.toLowerCase(),
        name: instance.textContent.toLowerCase(), region: region.textContent, expires: time(expires), renewal: time(renewal),
      };
    }),
  }));
  const total = groups.reduce((sum, group) => sum + group.rows.length, 0);
  const collator = new Intl.Collator(undefined, { numeric: true });
  let by = "expires", down = false;

  const textOf = (r) => r.text ??= r.row.textContent.toLowerCase();

  // A row matches a word if its text contains the word, or if the word is its endpoint.
  function filter() {
    const words = $("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const region = $("region")?.value || "";
    const found = (r) => (!region || r.region === region) && words.every((word) => textOf(r).includes(word) || word.startsWith(r.id + "."));
    let count = 0;
    for (const { body, rows } of groups) {
      let here = 0;
      for (const r of rows) {
        const hit = found(r);
        r.row.hidden = !hit;
        here += hit;
      }
      body.hidden = here === 0;
      count += here;
    }
    $("found").textContent = count === total ? "" : count === 0 ? "No instance matches" : count.toLocaleString("en") + " of " + total.toLocaleString("en") + " shown";
  }

  function showAll() {
    $("filter").value = "";
    if ($("region")) $("region").value = "";
    filter();
  }

  function showOrder() {
    for (const head of heads) {
      if (head.dataset.sort === by) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    $("sort").value = by;
  }

  // Times sort as texts. Rows without a value come last in both directions.
  function sort() {
    const text = by === "name" || by === "region";
    const compare = (a, b) => {
      if (!a[by] !== !b[by]) return a[by] ? -1 : 1;
      const order = text ? collator.compare(a[by], b[by]) : a[by] < b[by] ? -1 : a[by] > b[by] ? 1 : 0;
      return (down ? -order : order) || a.place - b.place;
    };
    for (const { body, rows } of groups) {
      rows.sort(compare);
      body.append(...rows.map((r) => r.row));
    }
    showOrder();
  }

  function addSorting() {
    for (const head of heads) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", () => {
        down = by === head.dataset.sort && !down;
        by = head.dataset.sort;
        sort();
      });
      head.dataset.label = head.textContent; // shown on paper instead of the button
      head.replaceChildren(button);
    }
    $("sort").addEventListener("change", (event) => {
      [by, down] = [event.target.value, false];
      sort();
    });
  }

  // In some browsers a page that was opened from a disk has no clipboard. Then the
  // command is selected, so that a person can copy it.
  async function copy(code) {
    try {
      await navigator.clipboard.writeText(code.textContent);
      return "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      return document.execCommand("copy") ? "Copied" : "Selected";
    }
  }

  // The buttons of a row are made when its details are opened, to keep a large page fast.
  function addButtons(details) {
    if (!details.open || details.querySelector("button")) return;
    for (const code of details.querySelectorAll(".command code")) {
      const command = code.textContent;
      code.replaceChildren(...command.split(/( )/).map((word) => { // the browser breaks lines between words, not at hyphens
        const span = document.createElement("span");
        span.textContent = word;
        return word === " " ? word : span;
      }));
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Copy";
      button.setAttribute("aria-label", "Copy " + command);
      button.addEventListener("click", async () => {
        button.textContent = await copy(code);
        $("said").textContent = button.textContent + ": " + command;
        setTimeout(() => { button.textContent = "Copy"; }, 2000);
      });
      code.after(button);
    }
  }

  // Some browsers no longer expose a table as a table when its rows have a grid layout.
  function addRoles() {
    const roles = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TR: "row", TD: "cell" };
    for (const element of [table, ...table.querySelectorAll("thead, tbody, tr, td, th")]) {
      element.setAttribute("role", roles[element.tagName] || (element.scope === "col" ? "columnheader" : "rowheader"));
    }
  }

  // Paper gets the first of the visible rows, in their current order.
  function choosePrinted() {
    const note = document.querySelector(".printed");
    if (!note) return; // all rows are printed
    const most = Number(note.dataset.most);
    let shown = 0;
    for (const { row } of groups.flatMap((group) => group.rows)) {
      if (!row.hidden) row.classList.toggle("unprinted", shown++ >= most);
    }
    note.hidden = shown <= most;
  }

  tools.hidden = false;
  addSorting();
  showOrder(); // the rows are already in this order
  let waiting;
  $("filter").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 80); });
  $("region")?.addEventListener("change", filter);
  document.addEventListener("toggle", (event) => { if (event.target.matches(".c-notes details")) addButtons(event.target); }, true);
  for (const details of document.querySelectorAll(".c-notes details[open]")) addButtons(details);
  document.querySelector(".counts").addEventListener("click", (event) => {
    const target = event.target.closest("a") && $(event.target.closest("a").hash.slice(1));
    if (!target) return;
    if (target.hidden) showAll();
    // Rows out of sight have estimated heights. The target moves when they are drawn,
    // so scroll to it again.
    for (const delay of [0, 50, 150]) setTimeout(() => target.scrollIntoView(), delay);
  });
  addRoles();
  addEventListener("beforeprint", choosePrinted);
})();
