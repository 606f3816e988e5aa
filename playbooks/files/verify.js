
"use strict";
// Everything from the data goes into text nodes and attributes that hold text, never into markup.
const data = JSON.parse(document.getElementById("data").textContent);
const GOOD = ["pulled", "present", "served"];
const SYMBOLS = {good: "✓", bypassed: "!", failed: "✕", unknown: "?"};
const ORDER = ["unknown", "failed", "bypassed", "good"];

function make(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  if (text !== null && text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
const kind = (outcome) => (GOOD.includes(outcome.state) ? "good" : outcome.state === "bypassed" ? "bypassed" : "failed");
const upstreams = [...new Set(data.outcomes.map((outcome) => outcome.upstream || outcome.image))].sort();

function resultsFor(node, upstream) {
  return node.results
    .map((result) => ({...data.outcomes[result.outcome], seconds: result.seconds}))
    .filter((outcome) => (outcome.upstream || outcome.image) === upstream);
}

function worst(outcomes) {
  const kinds = outcomes.map(kind);
  return ORDER.find((name) => kinds.includes(name)) || "unknown";
}

function matrix() {
  const head = make("tr");
  head.append(make("th", "Node", {scope: "col"}), ...upstreams.map((name) => make("th", name, {scope: "col"})));
  if (!upstreams.length) head.append(make("th", "", {scope: "col"}));
  const thead = make("thead");
  thead.append(head);
  const body = make("tbody");
  data.nodes.forEach((node, index) => {
    const row = make("tr", null, {"data-name": node.name.toLowerCase(), "data-ok": node.ok});
    const name = make("th", node.name, {scope: "row"});
    name.append(make("small", node.version ? "containerd " + node.version : "no answer"));
    row.append(name);
    (upstreams.length ? upstreams : [""]).forEach((upstream, column) => {
      const outcomes = resultsFor(node, upstream);
      const state = worst(outcomes);
      const button = make("button", SYMBOLS[state], {
        type: "button", class: state, "data-node": index, "data-upstream": column,
        "aria-label": `${node.name}, ${upstream}: ${state}`,
      });
      const cell = make("td");
      cell.append(button);
      row.append(cell);
    });
    body.append(row);
  });
  const table = document.getElementById("matrix");
  table.append(thead, body);
  table.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) show(data.nodes[Number(button.dataset.node)], upstreams[Number(button.dataset.upstream)]);
  });
}

function show(node, upstream) {
  const content = document.getElementById("content");
  document.getElementById("heading").textContent = upstream ? `${node.name}: ${upstream}` : node.name;
  content.replaceChildren();
  if (node.error) content.append(make("p", node.error, {class: "failed"}));
  const outcomes = resultsFor(node, upstream);
  if (!node.error && !outcomes.length) content.append(make("p", "No image of this registry was wanted here."));
  outcomes.forEach((outcome) => content.append(...details(outcome)));
  document.getElementById("details").showModal();
}

function details(outcome) {
  const parts = [make("h3", outcome.image)];
  const add = (text, attributes) => parts.push(make("p", text, attributes));
  const served = outcome.served_by && outcome.served_by.endpoint;
  const how = {only_endpoint: "nobody else could be asked", manifest: "the node asked for the manifest itself"};
  const took = outcome.seconds === null ? "" : ` in ${outcome.seconds} s`;
  const from = served ? ` from ${served} (${how[outcome.served_by.known_by] || "?"})` : "";
  add(`${SYMBOLS[kind(outcome)]} ${outcome.state}${from}${took}`, {class: kind(outcome)});
  if (outcome.diagnosis) {
    add(outcome.diagnosis.seen);
    add(outcome.diagnosis.fix, {class: "fix"});
  }
  const asked = outcome.endpoints.find((each) => each.answer && (each.answer.failure || each.answer.status !== 200));
  if (outcome.diagnosis && asked) {
    add("The request that failed:", {class: "soft"});
    parts.push(make("code", `${asked.request}  ${said(asked.answer)}`));
  }
  if (outcome.error) {
    add("containerd's own words:", {class: "soft"});
    parts.push(make("code", `${outcome.error.code}: ${outcome.error.message}`));
  }
  if (outcome.why) add(`Chosen by ${outcome.mode || "nothing"}: ${outcome.why}.`, {class: "soft"});
  if (outcome.endpoints.length) parts.push(endpoints(outcome.endpoints));
  for (const line of outcome.log) parts.push(make("p", "containerd logs: " + line));
  for (const line of outcome.notes) parts.push(make("p", line));
  return parts;
}

function said(answer) {
  if (!answer) return "not asked";
  const status = answer.status ? `status ${answer.status}` : "";
  return [status, answer.failure, answer.message].filter(Boolean).join(", ");
}

function endpoints(list) {
  const table = make("table");
  const names = ["Asked", "Endpoint", "For", "Login", "TLS", "Answer"];
  const head = make("tr");
  head.append(...names.map((name) => make("th", name, {scope: "col"})));
  const thead = make("thead");
  thead.append(head);
  const body = make("tbody");
  list.forEach((each, index) => {
    const row = make("tr");
    const answer = each.skipped ? "skipped: " + each.skipped : said(each.answer);
    const cells = [`${index + 1}. (${each.origin})`, each.url, each.capabilities.join(", "), each.credentials, each.tls, answer];
    row.append(...cells.map((text, column) => make("td", text, {"data-label": names[column]})));
    body.append(row);
  });
  table.append(thead, body);
  const scroll = make("div", null, {class: "scroll"});
  scroll.append(table);
  return scroll;
}

function narrow() {
  const part = document.getElementById("filter").value.toLowerCase();
  const failures = document.getElementById("failures").checked;
  let shown = 0;
  for (const row of document.querySelectorAll("#matrix tbody tr")) {
    row.hidden = !row.dataset.name.includes(part) || (failures && row.dataset.ok === "true");
    shown += row.hidden ? 0 : 1;
  }
  document.getElementById("none").hidden = shown > 0;
}

const well = data.nodes.filter((node) => node.ok).length;
document.getElementById("summary").textContent =
  `${well} of ${data.nodes.length} nodes get every image from where they should. Seen ${data.created.replace("T", " ").replace("+00:00", " UTC")}.`;
document.getElementById("filter").addEventListener("input", narrow);
document.getElementById("failures").addEventListener("change", narrow);
document.querySelector("header form").addEventListener("submit", (event) => event.preventDefault());
for (const text of data.harbor || []) document.getElementById("harbor").append(make("p", "Harbor: " + text, {class: "failed"}));
matrix();
