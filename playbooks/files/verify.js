"use strict";
// Nothing of the report depends on this: it copies, closes the details with Escape, and moves between cells with arrow keys.
function byHand(text) {
  const area = document.body.appendChild(document.createElement("textarea"));
  area.value = text;
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done ? Promise.resolve() : Promise.reject(new Error("cannot copy"));
}

function copy(button) {
  const text = button.dataset.copy;
  const there = navigator.clipboard && isSecureContext;
  const done = there ? navigator.clipboard.writeText(text).catch(() => byHand(text)) : byHand(text);
  done.then(() => { button.textContent = "Copied"; }, () => { button.textContent = text; });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}

// One cell is in the order of tabs; the arrow keys go to the others.
const cells = [...document.querySelectorAll("#matrix td a")];
cells.forEach((cell, index) => { cell.tabIndex = index ? -1 : 0; });

function walk(event) {
  const step = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]}[event.key];
  const from = event.target.closest("td");
  if (!step || !from) return;
  event.preventDefault();
  const rows = [...document.querySelectorAll("#matrix tr:not(.group)")].filter((each) => each.offsetParent);
  const row = rows[rows.indexOf(from.parentElement) + step[0]];
  const place = row && Math.min(from.cellIndex, row.cells.length - 1) + step[1];
  const next = row && row.cells[place] && row.cells[place].querySelector("td a");
  if (!next) return;
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

let opener = null;
document.getElementById("matrix").addEventListener("keydown", walk);
document.getElementById("matrix").addEventListener("click", (event) => { opener = event.target.closest("td a"); });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.querySelector(".details:target")) location.hash = "-";
});
addEventListener("hashchange", () => {
  const open = document.querySelector(".details:target .close");
  if (open || opener) (open || opener).focus({preventScroll: true});
});
