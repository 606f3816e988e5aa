"use strict";
// Everything from the data goes into text nodes and attributes that hold text, never into markup.
const data = JSON.parse(document.getElementById("data").textContent);
const GOOD = ["pulled", "present", "served", "configured"];
const BAD = ["failed", "bypassed", "drift"];
const KINDS = {
  good: ["✓", "as it should"], bypassed: ["!", "past the mirror"], failed: ["✕", "not pulled"], unknown: ["?", "no answer"],
  drift: ["≠", "would change"],
};
const WORST_FIRST = ["unknown", "failed", "bypassed", "drift", "good"].filter((kind) => data.about === "site"
  ? !["failed", "bypassed"].includes(kind) : kind !== "drift");
const STATES = {
  pulled: "Pulled", present: "Already there; its manifest was asked for", served: "Not pulled; its manifest was asked for",
  bypassed: "Pulled past the mirror", failed: "Not pulled",
  configured: "Configured as the variables describe", drift: "A run of the site playbook would change this",
};
const KNOWN_BY = {
  only_endpoint: "the settings leave containerd nobody else to ask",
  manifest: "the node itself asked for the manifest, in containerd's order",
};
// What differs between documents about pulls, about images that are to be pulled, and about the settings of nodes.
const IMAGES = "every image from the intended registry";
const ABOUT = {
  verify: {heading: "Where images come from", verb: ["gets", "get"], what: IMAGES},
  images: {heading: "Will every image be pulled?", verb: ["will get", "will get"], what: IMAGES},
  site: {heading: "Settings of the nodes", verb: ["is", "are"], what: "configured as the variables describe"},
}[data.about];
if (data.about === "images") {
  KINDS.failed[1] = "not to be had";
  STATES.failed = "Would not be pulled";
  STATES.served = "There";
}
// A row may stand for many nodes that are alike.
const size = (rows) => rows.reduce((sum, node) => sum + (node.hosts ? node.hosts.length : 1), 0);
const DENSE = 8;  // more upstreams than that stand close together, and fewer where there is no room

const at = (id) => document.getElementById(id);

function make(tag, text, attributes = {}, children = []) {
  const element = document.createElement(tag);
  if (text !== null && text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const sign = (kind) => make("span", KINDS[kind][0], {class: `sign ${kind}`, "aria-hidden": "true"});
const kindOf = (state) => (GOOD.includes(state) ? "good" : BAD.includes(state) ? state : "unknown");
const upstreamOf = (outcome) => outcome.upstream || outcome.image;
const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

function worst(kinds) {
  return WORST_FIRST.find((name) => kinds.includes(name)) || "unknown";
}

// Names without the domain that all nodes have in common.
const domains = new Set(data.nodes.map((node) => node.name.replace(/^[^.]*/, "")));
const domain = domains.size === 1 && data.nodes.length > 1 ? [...domains][0] : "";
const short = (name) => name.slice(0, name.length - domain.length);

const upstreams = [...new Set(data.outcomes.map(upstreamOf))].sort();
// A node's outcomes by upstream, and the worst kind of all of them.
const nodes = data.nodes.map((node, index) => {
  const byUpstream = new Map();
  for (const result of node.results) {
    const outcome = data.outcomes[result.outcome];
    const name = upstreamOf(outcome);
    if (!byUpstream.has(name)) byUpstream.set(name, []);
    byUpstream.get(name).push({...outcome, seconds: result.seconds});
  }
  const kinds = [...byUpstream.values()].flat().map((outcome) => kindOf(outcome.state));
  return {...node, index, byUpstream, kind: node.error ? "unknown" : worst(kinds)};
});

// What narrows the matrix: kinds that are pressed, a part of a name, and the nodes of one problem.
const shown = {kinds: new Set(), text: "", nodes: null};

function head() {
  document.title = at("title").textContent = ABOUT.heading;
  const total = size(nodes), well = size(nodes.filter((node) => node.ok)), [one, many] = ABOUT.verb;
  at("summary").textContent = well === total
    ? `${total === 1 ? `The node ${one}` : `All ${total} nodes ${many}`} ${ABOUT.what}.`
    : `${well} of ${count(total, "node")} ${many} ${ABOUT.what}.`;
  const images = new Set(data.outcomes.map((outcome) => outcome.image).filter(Boolean)).size;
  at("seen").textContent = `${images ? `${count(images, "image")} of ` : ""}${count(upstreams.length, "upstream")}, seen `
    + `${data.created.replace("T", " ").replace("+00:00", " UTC")}`
    + (data.harbor && !data.harbor.length ? "; Harbor has the projects that they need" : "");
  for (const kind of [...WORST_FIRST].reverse()) {
    const number = size(nodes.filter((node) => node.kind === kind));
    if (number) {
      const part = make("span", "", {class: kind});
      part.style.flexGrow = number;
      at("bar").append(part);
    }
    const button = make("button", null, {type: "button", "aria-pressed": "false", "data-kind": kind},
      [sign(kind), make("span", `${number} ${KINDS[kind][1]}`)]);
    button.disabled = !number;
    button.addEventListener("click", () => {
      shown.kinds[shown.kinds.has(kind) ? "delete" : "add"](kind);
      button.setAttribute("aria-pressed", shown.kinds.has(kind));
      narrow();
    });
    at("kinds").append(button);
  }
}

function problems() {
  const list = at("problems");
  for (const text of data.harbor || []) {
    list.append(make("li", null, {}, [sign("failed"), make("p", text, {class: "reason"})]));
  }
  for (const problem of data.problems) {
    const parts = [make("p", problem.seen, {class: "reason"})];
    if (problem.fix) parts.push(make("p", problem.fix, {class: "fix"}));
    const names = problem.nodes.map((index) => short(nodes[index].name));
    const some = names.slice(0, 4).join(", ") + (names.length > 4 ? ` and ${names.length - 4} more` : "");
    const number = size(problem.nodes.map((index) => nodes[index]));
    const button = make("button", names.length === 1 ? names[0] : `${number} nodes: ${some}`,
      {type: "button", class: "link", title: "Show these nodes in the matrix"});
    button.addEventListener("click", () => {
      shown.nodes = new Set(problem.nodes);
      at("only").textContent = `✕ only the ${count(number, "node")} of one problem`;
      at("only").hidden = false;
      narrow();
      at("around").scrollIntoView({block: "nearest"});
    });
    const images = problem.images.slice(0, 6).map((image) => make("code", image));
    if (problem.images.length > 6) images.push(make("span", `and ${problem.images.length - 6} more images`));
    parts.push(make("div", null, {class: "what"}, [button, ...images]));
    list.append(make("li", null, {}, [sign(kindOf(problem.state)), make("div", null, {}, parts)]));
  }
  if (data.more_problems) {
    list.append(make("li", null, {}, [sign("failed"), make("p", `${data.more_problems} more problems are in ${data.about}.json.`)]));
  }
  at("wrong").hidden = !list.children.length;
}

function serving(upstream) {
  const places = data.outcomes.filter((outcome) => upstreamOf(outcome) === upstream && kindOf(outcome.state) === "good")
    .map((outcome) => outcome.served_by && outcome.served_by.endpoint).filter(Boolean);
  return new Set(places).size === 1 ? places[0].replace(/^https?:\/\//, "").replace("/v2/", "/") : "";
}

function matrix() {
  const names = upstreams.length ? upstreams : [""];
  const cells = names.map((name) => {
    const cell = make("th", null, {scope: "col"}, [make("span", name)]);
    const from = serving(name);
    if (from) cell.append(make("small", `from ${from}`));
    return cell;
  });
  const body = make("tbody");
  for (const node of nodes) {
    const name = make("th", short(node.name), {scope: "row", title: node.name});
    name.append(make("small", node.version || ""));
    body.append(make("tr", null, {}, [name, ...names.map((upstream, column) => field(node, upstream, column))]));
  }
  const table = at("matrix");
  table.append(make("thead", null, {}, [make("tr", null, {}, [make("th", "Node", {scope: "col"}), ...cells])]), body);
  table.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) show(nodes[Number(button.dataset.node)], names[Number(button.dataset.column)]);
  });
  table.addEventListener("keydown", walk);
  const first = table.querySelector("button");
  if (first) first.tabIndex = 0;
}

function field(node, upstream, column) {
  const outcomes = node.byUpstream.get(upstream) || [];
  const unwanted = !node.error && !outcomes.length;
  const kind = unwanted ? "none" : worst(outcomes.map((outcome) => kindOf(outcome.state)));
  const label = unwanted ? "no image wanted" : KINDS[kind][1];
  const button = make("button", unwanted ? "·" : KINDS[kind][0], {
    type: "button", class: kind, tabindex: "-1", "data-node": node.index, "data-column": column,
    "aria-label": `${node.name}, ${upstream}: ${label}`,
  });
  const seconds = outcomes.map((outcome) => outcome.seconds).filter((each) => each !== null);
  if (kind === "good" && seconds.length) button.append(make("small", `${Math.max(...seconds).toFixed(2)} s`));
  return make("td", null, {}, [button]);
}

// One field of the matrix is in the order of tabs; the arrow keys go to the others.
function walk(event) {
  const step = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0]}[event.key];
  const cell = event.target.closest("td");
  if (!step || !cell) return;
  event.preventDefault();
  let row = cell.parentElement;
  if (step[0]) {
    do row = step[0] < 0 ? row.previousElementSibling : row.nextElementSibling; while (row && row.hidden);
  }
  const next = row && row.children[cell.cellIndex + step[1]];
  const button = next && next.querySelector("button");
  if (!button) return;
  event.target.tabIndex = -1;
  button.tabIndex = 0;
  button.focus();
}

function narrow() {
  let number = 0;
  document.querySelectorAll("#matrix tbody tr").forEach((row, index) => {
    const node = nodes[index];
    row.hidden = !node.name.toLowerCase().includes(shown.text) || (shown.kinds.size > 0 && !shown.kinds.has(node.kind))
      || (shown.nodes !== null && !shown.nodes.has(index));
    number += row.hidden ? 0 : 1;
  });
  at("none").hidden = number > 0;
  at("around").hidden = number === 0;
}

function show(node, upstream) {
  at("heading").textContent = upstream ? `${node.name}: ${upstream}` : node.name;
  at("subheading").textContent = node.version ? `containerd ${node.version}` : "";
  const outcomes = node.byUpstream.get(upstream) || [];
  const parts = outcomes.map((outcome) => make("article", null, {}, details(outcome)));
  const changes = (node.changes || []).filter((each) => each.upstream === null || each.upstream === upstream);
  parts.push(...changes.filter((each) => each.changed_at).map((each) => make("article", `${each.path} was last changed `
    + `${each.changed_at.replace("T", " ").replace("+00:00", " UTC")}, and is owned by the user ID ${each.owner}.`)));
  if (node.error) parts.push(make("article", null, {}, [make("p", null, {class: "state"}, [sign("unknown"), node.error])]));
  else if (!outcomes.length) parts.push(make("article", "No image of this upstream was wanted here."));
  at("content").replaceChildren(...parts);
  at("details").showModal();
  at("details").scrollTop = 0;
}

function details(outcome) {
  const parts = [make("h3", outcome.image || outcome.upstream)];
  const labelled = (label, ...elements) => parts.push(make("p", label, {class: "label"}), ...elements);
  const served = outcome.served_by && outcome.served_by.endpoint;
  const text = [
    STATES[outcome.state], served ? `from ${served}` : "",
    outcome.seconds === null ? "" : outcome.state === "failed" ? `(given up after ${outcome.seconds} s)` : `in ${outcome.seconds} s`,
  ].filter(Boolean).join(" ");
  parts.push(make("p", null, {class: "state"}, [sign(kindOf(outcome.state)), make("span", text)]));
  if (served && outcome.served_by.known_by) parts.push(make("p", `Known, because ${KNOWN_BY[outcome.served_by.known_by] || "?"}.`, {class: "soft"}));
  if (outcome.diagnosis) {
    parts.push(make("div", null, {class: "callout"}, [
      make("p", null, {}, [make("b", "What was seen"), outcome.diagnosis.seen]),
      make("p", null, {}, [make("b", "What to change"), outcome.diagnosis.fix]),
    ]));
  }
  const asked = outcome.endpoints.find((each) => each.answer && (each.answer.failure || each.answer.status !== 200));
  if (outcome.diagnosis && asked) {
    labelled("The request that failed", make("code", `${asked.request}\n${said(asked.answer)}`, {class: "words"}));
  }
  if (outcome.error) {
    labelled("containerd's own words", make("code", `${outcome.error.code}: ${outcome.error.message}`, {class: "words"}));
  }
  if (outcome.put) labelled("Where it has to be", make("code", outcome.put.name));
  if (outcome.used_by && outcome.used_by.length) {
    labelled(outcome.certain ? "Needed by" : "Named in", ...outcome.used_by.map((place) => make("p", place)));
  }
  if (outcome.endpoints.length) labelled("Who is asked, in this order", endpoints(outcome.endpoints));
  const more = [
    outcome.why ? `Chosen by ${outcome.mode || "nothing"}: ${outcome.why}.` : "",
    ...outcome.log.map((line) => `containerd logs: ${line}`), ...outcome.notes,
  ].filter(Boolean);
  if (more.length) labelled("Why", ...more.map((line) => make("p", line)));
  return parts;
}

function said(answer) {
  if (!answer) return "not asked";
  const status = answer.status ? `status ${answer.status}` : "";
  return [status, answer.failure, answer.message].filter(Boolean).join(", ");
}

function endpoints(list) {
  const names = ["Set as", "Endpoint", "For", "Login", "TLS", "Answer"];
  const body = make("tbody");
  list.forEach((each, index) => {
    const answer = each.skipped ? `skipped: ${each.skipped}` : said(each.answer);
    const cells = [`${index + 1}. ${each.origin}`, each.url, each.capabilities.join(", "), each.credentials, each.tls, answer];
    body.append(make("tr", null, {}, cells.map((text, column) => make("td", text, {"data-label": names[column]}))));
  });
  const heads = names.map((name) => make("th", name, {scope: "col"}));
  const table = make("table", null, {}, [make("thead", null, {}, [make("tr", null, {}, heads)]), body]);
  return make("div", null, {class: "scroll"}, [table]);
}

function fit() {
  const table = at("matrix");
  table.classList.toggle("dense", upstreams.length > DENSE);
  table.classList.toggle("dense", upstreams.length > DENSE || table.offsetWidth > at("around").parentElement.clientWidth);
}

head();
problems();
matrix();
fit();
addEventListener("resize", fit);
at("filter").addEventListener("input", () => {
  shown.text = at("filter").value.toLowerCase();
  narrow();
});
at("search").addEventListener("submit", (event) => event.preventDefault());
at("only").addEventListener("click", () => {
  shown.nodes = null;
  at("only").hidden = true;
  narrow();
});
at("details").addEventListener("click", (event) => {
  if (event.target === at("details")) at("details").close();  // beside the details
});
