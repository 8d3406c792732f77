"use strict";

const byId = (id) => document.getElementById(id);
const marks = {Healthy: "\u2713", Degraded: "!", Unhealthy: "\u2715", Draining: "\u2193", Unknown: "?"};
const gravity = ["Healthy", "Unknown", "Draining", "Degraded", "Unhealthy"];
const phaseNames = ["resolve", "connect", "tls", "allocate", "bind", "echo", "refresh"];
const project = "https://github.com/turnkeeper/turnkeeper/blob/main/";
const manyRelays = 24;     // more: healthy regions begin collapsed, and there is a search
const mostRows = 12;       // of one region, those that need a look first, until asked for more
const historyEvery = 15000;
const dayMs = 86400000;

let status = null;         // the newest event's
const pasts = new Map();   // region key -> {at, busy, relays: Map}
const regionNodes = new Map();
let goal = 99.5;

// ---- elements. Text only ever becomes a text node: names and details come from elsewhere.

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// Rebuilds what is in `node` only when what it shows has changed: focus, selection and opened details stay.
const shown = new WeakMap();
function fill(node, data, build) {
  const key = JSON.stringify(data);
  if (shown.get(node) === key) return;
  shown.set(node, key);
  const built = build(data);
  node.replaceChildren(...(Array.isArray(built) ? built : [built]).filter((child) => child !== null && child !== undefined));
}

// ---- words

function milliseconds(value) {
  if (value === null || value === undefined) return "\u2013";
  return (value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0)) + " ms";
}

function duration(seconds) {
  if (seconds < 60) return Math.floor(seconds) + " s";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min";
  if (seconds < 172800) return Math.floor(seconds / 3600) + " h";
  return Math.floor(seconds / 86400) + " days";
}

const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

// "since" texts age between two events: a timer renews them.
function aging(className, prefix, time, suffix) {
  const node = element("span", className);
  Object.assign(node.dataset, {time, prefix, suffix});
  node.title = new Date(time).toLocaleString();
  age(node);
  return node;
}
function age(node) {
  const seconds = Math.max(0, (Date.now() - Date.parse(node.dataset.time)) / 1000);
  node.textContent = node.dataset.prefix + duration(seconds) + node.dataset.suffix;
}

function badge(verdict, text) {
  const node = element("span", "badge " + verdict, text || verdict);
  node.dataset.mark = marks[verdict] || "?";
  return node;
}

function runbook(anchor) {
  if (!anchor) return null;
  const link = element("a", "", "Runbook");
  link.href = project + anchor;
  link.rel = "noopener noreferrer";
  return link;
}

// ---- a relay

function voteItem(vote) {
  const item = element("li", vote.blind ? "Unknown" : vote.usable ? (vote.cause ? "Degraded" : "Healthy") : "Unhealthy", vote.vantage);
  item.dataset.mark = vote.blind ? "\u2013" : vote.usable ? "\u2713" : "\u2715";
  const says = vote.blind ? "sees nothing at all, and abstains" : vote.usable ? "can use it" : "cannot use it";
  item.title = `${vote.vantage} ${says}${vote.cause ? ": " + vote.cause : ""}`;
  item.append(element("span", "hidden", " " + says));
  return item;
}

function phasesOf(probe) {
  const times = phaseNames.map((phase, index) => [phase, probe.phases[phase], `var(--p${index})`]).filter(([, time]) => time !== undefined);
  // A probe that failed ended in its last phase.
  if (!probe.ok && times.length) times[times.length - 1][2] = "var(--bad-bar)";
  return times;
}

function phaseBar(probe) {
  const bar = element("div", "bar");
  for (const [phase, time, color] of phasesOf(probe)) {
    const part = element("i");
    part.style.background = color;
    part.style.flexGrow = Math.max(time, 0.001) * 1000;  // a sum below 1 would not fill the bar
    part.title = `${phase} ${milliseconds(time)}`;
    bar.append(part);
  }
  return bar;
}

const probeTone = (probe) => probe.ok ? probe.cause ? "Degraded" : "Healthy" : "Unhealthy";

function probeBrief(probe) {
  const alarm = probe.certificate && daysLeft(probe.certificate) < 14 ? certificateNode(probe.certificate) : null;
  return element("div", "brief number " + probeTone(probe), element("span", "tag", probe.transport), " ",
    probe.ok ? element("b", "", milliseconds(probe.totalMs)) : element("b", "alarm", "failed"), " ", aging("sub", "", probe.finished, " ago"), phaseBar(probe), alarm);
}

// `said`: what the relay itself already says is not repeated.
function probeNode(probe, said) {
  const node = element("div", "probe " + probeTone(probe));
  node.append(element("div", "head number", element("span", "tag", probe.transport),
    element("span", "", probe.ok ? "full probe in " : "full probe failed after ", element("b", "", milliseconds(probe.totalMs)))));
  const list = element("div", "phases number");
  for (const [phase, time, color] of phasesOf(probe)) {
    const label = element("span", "", `${phase} ${milliseconds(time)}`);
    label.style.setProperty("--c", color);
    list.append(label);
  }
  node.append(phaseBar(probe), list);
  if (probe.cause && (probe.cause !== said.cause || probe.detail !== said.detail)) {
    node.append(element("div", probe.ok ? "caution" : "alarm", element("span", "mono", probe.cause), probe.detail ? " \u2014 " + probe.detail : ""));
  }
  if (probe.server) node.append(element("div", "sub mono", probe.server));
  if (probe.certificate) node.append(certificateNode(probe.certificate));
  return node;
}

const daysLeft = (certificate) => Math.floor((Date.parse(certificate.expires) - Date.now()) / dayMs);

function certificateNode(certificate) {
  const days = daysLeft(certificate);
  const text = days < 0 ? `certificate expired ${count(-days, "day")} ago` : `certificate good for ${count(days, "day")}`;
  const node = element("div", days < 7 ? "alarm" : days < 14 ? "caution" : "sub", text);
  node.title = `${certificate.subject} until ${new Date(certificate.expires).toLocaleString()}`;
  return node;
}

// The last echoes of a relay that died say nothing about it any more.
function echoText(relay) {
  const dead = relay.verdict === "Unhealthy" || relay.echoMs === null;
  const loss = dead ? "" : relay.lossPercent > 0 ? `${relay.lossPercent.toFixed(relay.lossPercent < 100 ? 1 : 0)} % lost` : "none lost";
  return [element("div", "number", "Echo ", element("b", "", milliseconds(dead ? null : relay.echoMs)), " ", element("span", "sub", loss))];
}

function sparkline(known) {
  // A line that has only just begun grows from the right.
  const points = [...Array(Math.max(0, 40 - known.length)).fill(null), ...known];
  const height = 32, width = points.length || 1;
  const times = points.filter((point) => point && point[2] > 0);
  if (!times.length) return element("div", "sub", "no round trips yet");
  // One outlier does not flatten the rest; it is cut off at the top.
  const highest = times.map((point) => point[2]).sort((a, b) => a - b)[Math.floor(times.length * 0.97)];
  const bottom = Math.min(...times.map((point) => point[0])) * 0.7;
  const span = Math.max(highest * 1.15 - bottom, 0.001);
  const y = (value) => (height - 3 - Math.min(1, (value - bottom) / span) * (height - 5)).toFixed(2);
  const picture = svg("svg", {class: "spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img"});
  const newest = times[times.length - 1];
  const minutes = Math.max(1, Math.round(known.length / 4));
  picture.append(svg("title", {}, `Round trips of the last ${minutes} min: ${milliseconds(Math.min(...times.map((p) => p[0])))} to ` +
    `${milliseconds(Math.max(...times.map((p) => p[2])))}, at last ${milliseconds(newest[1])}`));
  let run = [];
  const flush = () => {
    if (!run.length) return;
    const upper = run.map(([x, p]) => `${x},${y(p[2])}`);
    const lower = run.map(([x, p]) => `${x},${y(p[0])}`).reverse();
    picture.append(svg("polygon", {class: "band", points: [...upper, ...lower].join(" ")}));
    // One point alone would be no line.
    const line = run.length > 1 ? run : [[run[0][0] - 0.4, run[0][1]], [run[0][0] + 0.4, run[0][1]]];
    picture.append(svg("polyline", {class: "line", points: line.map(([x, p]) => `${x},${y(p[1])}`).join(" ")}));
    run = [];
  };
  points.forEach((point, index) => {
    if (point && point[2] > 0) run.push([index + 0.5, point]);
    else flush();
    if (point && point[3] > 0) {
      const part = Math.max(2, Math.min(1, point[3] / 20) * height * 0.6);
      picture.append(svg("rect", {class: "loss", x: index, y: height - part, width: 1, height: part}));
    }
  });
  flush();
  return picture;
}

function uptimeTable(uptime) {
  const table = element("table", "uptime");
  const body = element("tbody");
  for (const [name, label] of [["day", "24 hours"], ["week", "7 days"], ["month", "30 days"]]) {
    const value = uptime[name];
    const tone = value === null ? "Unknown" : value >= goal ? "Healthy" : value >= goal - 1 ? "Degraded" : "Unhealthy";
    const row = element("tr", tone, element("th", "", label),
      element("td", "", value === null ? "\u2013" : `${(Math.floor(value * 100) / 100).toFixed(value >= 99.995 ? 0 : 2)} %`));
    row.firstChild.scope = "row";
    row.title = value === null ? "nothing is known" : `goal: ${goal} % of the time of which something is known`;
    body.append(row);
  }
  table.append(element("caption", "hidden", "Uptime"), body);
  return table;
}

function timeline(data) {
  const {segments, failovers, now} = data;
  const start = now - dayMs / 1000;
  const picture = svg("svg", {class: "timeline", viewBox: "0 0 1440 16", preserveAspectRatio: "none", role: "img"});
  const x = (time) => Math.max(0, (time - start) / 60);
  const troubles = segments.filter(([, verdict]) => verdict === "Unhealthy").length;
  picture.append(svg("title", {}, `Verdicts of the last 24 hours: ${troubles ? count(troubles, "time") + " Unhealthy" : "never Unhealthy"}`));
  segments.forEach(([since, verdict, cause], index) => {
    const end = index + 1 < segments.length ? segments[index + 1][0] : now;
    // What is worth a look stays wide enough to be seen, also when it has only just begun.
    const least = verdict === "Unknown" ? 0 : verdict === "Healthy" ? 1 : 4;
    const left = Math.min(x(since), 1440 - least);
    const rect = svg("rect", {class: verdict, x: left.toFixed(2), y: 0, height: 16, width: Math.max(least, x(end) - left).toFixed(2)});
    rect.append(svg("title", {}, `${verdict}${cause ? " (" + cause + ")" : ""} from ${new Date(since * 1000).toLocaleTimeString()} for ${duration(end - since)}`));
    picture.append(rect);
  });
  for (const failover of failovers) {
    const mark = svg("rect", {class: "failover", x: x(failover.at / 1000).toFixed(2), y: 0, width: 3, height: 16});
    mark.append(svg("title", {}, failover.text));
    picture.append(mark);
  }
  return [picture, element("div", "scale", element("span", "", "24 h ago"), element("span", "", "12 h"), element("span", "", "now"))];
}

function troubleOf(relay) {
  if (relay.cause || (relay.detail && relay.verdict !== "Healthy")) return relay;
  return null;
}

function whyNode(trouble) {
  const why = element("div", "why", element("b", "mono", trouble.cause || "note"));
  if (trouble.detail) why.append(" \u2014 " + trouble.detail);
  if (trouble.advice) why.append(element("div", "", "Next: " + trouble.advice + ". ", runbook(trouble.runbook)));
  return why;
}

class RelayRow {
  constructor() {
    this.name = element("div");
    this.state = element("div", "state");
    this.echo = element("div");
    this.spark = element("div");
    this.past = element("div", "past");
    this.why = element("div", "wide");
    this.line = element("div", "wide");
    this.brief = element("summary");
    this.full = element("div", "all");
    this.probes = element("details", "wide probes", this.brief, this.full);
    this.node = element("article", "", this.name, this.state, element("div", "echo", this.echo, this.spark), this.past, this.why, this.line, this.probes);
  }
  show(relay, past, failovers) {
    const className = "relay " + relay.verdict;
    if (this.node.className !== className) this.node.className = className;
    fill(this.name, [relay.name, relay.address, relay.sessions, relay.version], ([name, address, sessions, version]) => {
      const agent = [sessions === undefined ? "" : count(sessions, "session"), version ? "coturn " + version : ""].filter(Boolean);
      return [element("div", "name", name), element("div", "sub mono", address), agent.length ? element("div", "sub number", agent.join(" \u00b7 ")) : null];
    });
    fill(this.state, [relay.verdict, relay.since, relay.votes.map((vote) => [vote.vantage, vote.usable, vote.blind, vote.cause])], () => [
      badge(relay.verdict), " ", aging("sub", "for ", relay.since, ""),
      relay.votes.length > 1 ? element("ul", "votes", ...relay.votes.map(voteItem)) : null]);
    fill(this.echo, [relay.verdict, relay.echoMs, relay.lossPercent], () => echoText(relay));
    fill(this.why, troubleOf(relay) && [relay.cause, relay.detail, relay.advice], () => { const trouble = troubleOf(relay); return trouble ? whyNode(trouble) : []; });
    this.why.hidden = !troubleOf(relay);
    const probes = relay.probes.length ? relay.probes : relay.probe ? [{transport: "udp", ...relay.probe}] : [];
    fill(this.brief, probes, (all) => all.length ? all.map(probeBrief) : [element("span", "sub", "no full probe yet")]);
    fill(this.full, [probes, relay.cause, relay.detail], () => probes.map((probe) => probeNode(probe, relay)));
    if (!past) return;
    fill(this.spark, past.points, sparkline);
    fill(this.past, past.uptime, uptimeTable);
    fill(this.line, {segments: past.segments, failovers, now: past.now}, timeline);
  }
}

// ---- a region

const regionKey = (cluster, region) => JSON.stringify([cluster, region]);
const worstOf = (relays) => relays.reduce((worst, relay) => gravity.indexOf(relay.verdict) > gravity.indexOf(worst) ? relay.verdict : worst, "Healthy");

function tally(relays) {
  const counts = {};
  for (const relay of relays) counts[relay.verdict] = (counts[relay.verdict] || 0) + 1;
  return gravity.slice().reverse().filter((verdict) => counts[verdict]).map((verdict) => [verdict, counts[verdict]]);
}

class RegionCard {
  constructor(cluster, name, open) {
    this.cluster = cluster;
    this.name = name;
    this.rows = new Map();
    this.limit = mostRows;
    this.head = element("summary");
    this.list = element("div");
    this.more = element("button", "more");
    this.more.type = "button";
    this.more.addEventListener("click", () => { this.limit *= 4; render(); });
    this.node = element("details", "card region", this.head, this.list, this.more);
    this.node.open = open;
    this.node.addEventListener("toggle", () => { if (this.node.open) { this.show(this.region, this.relays); loadHistory(this.cluster, this.name); } });
  }
  show(region, relays) {
    this.region = region;
    this.relays = relays;
    const away = region.servedBy && region.servedBy !== region.name;
    fill(this.head, [region.name, region.servedBy, tally(region.relays)], () => [
      element("h3", "", region.name),
      element("span", "counts", ...tally(region.relays).map(([verdict, number]) => badge(verdict, `${number} ${verdict}`))),
      element("span", "served" + (away ? " away" : region.servedBy ? "" : " none"),
        away ? `clients are served by ${region.servedBy}` : region.servedBy ? "serves its own clients" : "no relay can serve its clients")]);
    if (!this.node.open) return;
    const past = pasts.get(regionKey(this.cluster, this.name));
    const failovers = status.failovers.filter((f) => f.cluster === this.cluster && f.region === this.name)
      .map((f) => ({at: Date.parse(f.at), text: failoverWay(f)}));
    // What needs a look comes first.
    const sorted = relays.length > mostRows ? relays.slice().sort((a, b) => gravity.indexOf(b.verdict) - gravity.indexOf(a.verdict)) : relays;
    const rows = sorted.slice(0, this.limit);
    const names = new Set(rows.map((relay) => relay.name));
    for (const [name, row] of this.rows) {
      if (!names.has(name)) { row.node.remove(); this.rows.delete(name); }
    }
    rows.forEach((relay, index) => {
      let row = this.rows.get(relay.name);
      if (!row) this.rows.set(relay.name, row = new RelayRow());
      row.show(relay, past && past.relays.get(relay.name), failovers);
      if (this.list.children[index] !== row.node) this.list.insertBefore(row.node, this.list.children[index] || null);
    });
    this.more.hidden = relays.length <= this.limit;
    this.more.textContent = `Show more of the other ${relays.length - this.limit}`;
  }
}

async function loadHistory(cluster, region) {
  const key = regionKey(cluster, region);
  const known = pasts.get(key) || {at: 0, busy: false, relays: new Map()};
  pasts.set(key, known);
  if (known.busy || Date.now() - known.at < historyEvery * 0.9) return;
  known.busy = true;
  try {
    const answer = await fetch(`api/history?cluster=${encodeURIComponent(cluster)}&region=${encodeURIComponent(region)}`, {cache: "no-store"});
    if (!answer.ok) return;
    const data = await answer.json();
    goal = data.goal;
    known.at = Date.now();
    known.relays = new Map(data.relays.map((relay) => [relay.name, {...relay, now: data.now}]));
    showFailovers(data.failovers);
    render();
  } catch (error) {
    // The event stream says that the connection is gone.
  } finally {
    known.busy = false;
  }
}

function loadHistories(again) {
  for (const card of regionNodes.values()) {
    if (!card.node.open) continue;
    const past = pasts.get(regionKey(card.cluster, card.name));
    if (again && past) past.at = 0;
    loadHistory(card.cluster, card.name);
  }
}

// ---- the whole

function headline(all) {
  const {regions, relays} = all;
  if (status.blind) return ["Unknown", "This monitor sees nothing at all", "Not even its own gateway answers, so it has no say about any relay. Look at its network first."];
  if (!relays.length) return ["Unknown", "There are no relays yet", "This monitor has been told of none."];
  const unserved = regions.filter((region) => !region.servedBy);
  const away = regions.filter((region) => region.servedBy && region.servedBy !== region.name);
  const worst = relays.slice().sort((a, b) => gravity.indexOf(b.verdict) - gravity.indexOf(a.verdict))[0];
  const advice = worst.advice ? `Next: ${worst.advice} (${worst.cause}).` : "";
  const names = (list) => list.map((region) => region.name).join(", ");
  if (unserved.length) return ["Unhealthy", `Nobody can serve ${names(unserved)}`, `Calls that need a relay fail there: bring back any one relay first. ${advice}`];
  if (away.length) {
    return ["Unhealthy", `${names(away)}: calls go over ${[...new Set(away.map((region) => region.servedBy))].join(", ")}`, `No own relay is usable; clients return by themselves once one is proven. ${advice}`];
  }
  const usable = relays.filter((relay) => relay.verdict === "Healthy" || relay.verdict === "Degraded").length;
  const unknown = relays.filter((relay) => relay.verdict === "Unknown").length;
  if (worst.verdict === "Unhealthy") {
    return ["Degraded", `${usable} of ${relays.length} relays carry calls`, `Clients are given those; none is sent to one that is down. ${advice}`];
  }
  if (worst.verdict === "Degraded") return ["Degraded", `All ${relays.length} relays carry calls, not all of them well`, advice];
  if (unknown) return ["Unknown", `${usable} of ${relays.length} relays are known to carry calls`, `Nothing is known of ${count(unknown, "relay")} yet.`];
  if (worst.verdict === "Draining") return ["Healthy", `${usable} of ${relays.length} relays carry calls`, "The others are being taken out of service."];
  return ["Healthy", relays.length === 1 ? "The relay carries calls" : `All ${relays.length} relays carry calls`, "Each is proven by a real allocation with an echo through it."];
}

function showSummary(all) {
  const [verdict, title, next] = headline(all);
  const node = byId("summary");
  if (node.className !== "summary " + verdict) node.className = "summary " + verdict;
  fill(byId("mark"), verdict, () => document.createTextNode(marks[verdict]));
  fill(byId("headline"), title, (text) => document.createTextNode(text));
  fill(byId("next"), next, (text) => document.createTextNode(text));
  const healthy = all.relays.filter((relay) => relay.verdict === "Healthy").length;
  const recent = status.failovers.filter((f) => f.to !== f.region && Date.now() - Date.parse(f.at) < dayMs).length;
  fill(byId("figures"), [healthy, all.relays.length, all.regions.length, recent, status.incidents.length, status.calls], ([good, relays, regions, failovers, open, calls]) =>
    [["healthy", `${good} / ${relays}`], [regions === 1 ? "region" : "regions", regions], ["open incidents", open], ["failovers, 24 h", failovers], ...callFigures(calls)]
      .map(([label, value]) => element("div", "", element("dt", "", label), element("dd", "", String(value)))));
  const heading = `${healthy}/${all.relays.length} healthy \u2013 Turnkeeper`;
  if (document.title !== heading) document.title = heading;
}

// Only where clients tell: null when none did.
function callFigures(calls) {
  if (!calls) return [];
  const time = calls.connectP95Ms === null ? [] : [["to connect (p95), 24 h", `${(calls.connectP95Ms / 1000).toFixed(1)} s`]];
  return [[`of ${count(calls.tried, "call")} connected, 24 h`, `${calls.connectedPercent} %`], ...time];
}

function incidentNode(incident) {
  const what = incident.verdict === "Unhealthy" ? "down" : "degraded";
  const one = incident.relayCount === 1;
  const where = incident.scope === "cluster" ? incident.cluster : "region " + incident.region;
  const who = one ? `Relay ${incident.relays[0].name} in ${where} is` :
    `${incident.relayCount === incident.relaysInScope ? (incident.relayCount === 2 ? "Both" : "All " + incident.relayCount) : `${incident.relayCount} of ${incident.relaysInScope}`} relays of ${where} are`;
  const node = element("article", "incident " + incident.verdict,
    element("h3", "", `${who} ${what}`, incident.cause ? ": " : "", incident.cause ? element("span", "mono", incident.cause) : null));
  const names = incident.relays.map((relay) => relay.name);
  const rest = incident.relayCount - Math.min(8, names.length);
  const named = one ? "" : ` \u00b7 ${names.slice(0, 8).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
  node.append(element("div", "sub", aging("", "for ", incident.started, ""), named));
  if (incident.detail) node.append(element("div", "", incident.detail));
  if (incident.advice) node.append(element("div", "do", element("b", "", "Next: "), incident.advice + ". ", runbook(incident.runbook)));
  return node;
}

// A rotation as far as it has come.
function keyNode(key) {
  const removed = key.phase === "Removed";
  const node = element("p", "quiet number", "rotation: ", element("b", "mono", key.key),
    ` ${removed ? "refused by" : "proven on"} ${key.proven} of ${key.of}`);
  const rest = key.of - key.proven - key.waiting.length;
  if (key.waiting.length) node.append(` \u00b7 waiting for ${key.waiting.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`);
  return node;
}

function failoverWay(failover) {
  return failover.to === failover.region ? `back to ${failover.to}` : `${failover.from || "nobody"} \u2192 ${failover.to || "nobody"}`;
}

let failoversKnown = [];
function showFailovers(list) {
  if (list) failoversKnown = list;
  const seen = new Map([...status.failovers, ...failoversKnown].map((f) => [f.at + f.cluster + f.region + f.to, f]));
  const recent = [...seen.values()].filter((f) => Date.now() - Date.parse(f.at) < dayMs).sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
  fill(byId("failovers"), recent.slice(0, 50), (failovers) => {
    if (!failovers.length) return element("p", "empty", "None.");
    const head = element("tr", "", ...["When", "Clients of", "Went", "Because of"].map((text) => { const cell = element("th", "", text); cell.scope = "col"; return cell; }));
    const rows = failovers.map((failover) => element("tr", "", element("td", "", aging("number", "", failover.at, " ago")), element("td", "", failover.region),
      element("td", "", failoverWay(failover)), element("td", "mono", failover.cause || (failover.to === failover.region ? "recovered" : ""))));
    return element("table", "list", element("thead", "", head), element("tbody", "", ...rows));
  });
}

function showHints() {
  const cluster = status.clusters[0], region = cluster && cluster.regions[0];
  const query = (status.clusters.length > 1 ? `cluster=${encodeURIComponent(cluster.name)}&` : "") +
    (region ? `region=${encodeURIComponent(region.name)}&` : "") + "user=alice";
  const base = new URL(".", location.href).href;
  fill(byId("ice"), [base, query], () => document.createTextNode(`curl '${base}v1/ice?${query}'`));
  fill(byId("events"), [base, query], () => document.createTextNode(`curl -N '${base}v1/events?${query}'`));
}

function matcher() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const troubled = byId("troubled").checked;
  return (relay, region) => {
    if (troubled && relay.verdict === "Healthy") return false;
    const text = `${relay.name} ${relay.address} ${region.name} ${relay.cause} ${relay.verdict}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
}

function render() {
  if (!status) return;
  const regions = status.clusters.flatMap((cluster) => cluster.regions);
  const relays = regions.flatMap((region) => region.relays);
  const many = relays.length > manyRelays;
  byId("vantage").textContent = status.vantage ? `seen from ${status.vantage}` : "";
  showSummary({regions, relays});
  fill(byId("incidents"), status.incidents, (incidents) => incidents.map(incidentNode));
  byId("tools").hidden = relays.length < 8;
  const matches = matcher();
  const filtering = byId("search").value.trim() !== "" || byId("troubled").checked;
  const container = byId("regions");
  const present = new Set();
  let at = 0, matching = 0;
  const place = (node) => {
    if (container.children[at] !== node) container.insertBefore(node, container.children[at] || null);
    ++at;
  };
  for (const cluster of status.clusters) {
    const captionKey = JSON.stringify(cluster.name);
    let caption = captions.get(captionKey);
    if (!caption) captions.set(captionKey, caption = {name: element("h2", "caption", cluster.name), keys: element("div", "keys")});
    place(caption.name);
    fill(caption.keys, cluster.keys, (keys) => keys.map(keyNode));
    caption.keys.hidden = !cluster.keys.length;
    place(caption.keys);
    for (const region of cluster.regions) {
      const key = regionKey(cluster.name, region.name);
      present.add(key);
      const shownRelays = filtering ? region.relays.filter((relay) => matches(relay, region)) : region.relays;
      matching += shownRelays.length;
      let card = regionNodes.get(key);
      if (!card) {
        const calm = worstOf(region.relays) === "Healthy" && region.servedBy === region.name;
        regionNodes.set(key, card = new RegionCard(cluster.name, region.name, !(many && calm)));
        card.region = region;
        card.relays = shownRelays;
        if (card.node.open) loadHistory(cluster.name, region.name);
      }
      card.node.hidden = filtering && !shownRelays.length;
      if (filtering && shownRelays.length && shownRelays.length <= mostRows && !card.opened) { card.node.open = true; card.opened = true; }
      if (!filtering) card.opened = false;
      card.show(region, shownRelays);
      place(card.node);
    }
  }
  for (const [key, card] of regionNodes) {
    if (!present.has(key)) { card.node.remove(); regionNodes.delete(key); pasts.delete(key); }
  }
  while (container.children.length > at) container.lastChild.remove();
  byId("matches").textContent = filtering ? count(matching, "relay") : "";
  showFailovers();
  showHints();
}
const captions = new Map();

// ---- what keeps it moving

setInterval(() => document.querySelectorAll("[data-time]").forEach(age), 1000);
setInterval(() => loadHistories(false), historyEvery);
byId("search").addEventListener("input", render);
byId("troubled").addEventListener("input", render);

const verdictsOf = (picture) => JSON.stringify([picture.failovers.length, picture.clusters.map((c) => c.regions.map((r) => [r.servedBy, r.relays.map((relay) => relay.verdict)]))]);
const live = (text, lost) => { byId("live").textContent = text; byId("live").classList.toggle("lost", lost); };
let lastEvent = Date.now();

function receive(event) {
  lastEvent = Date.now();
  live("live", false);
  const before = status && verdictsOf(status);
  status = JSON.parse(event.data);
  render();
  if (before && before !== verdictsOf(status)) loadHistories(true);
}

function follow() {
  const source = new EventSource("api/events");
  source.addEventListener("relays", receive);
  source.onopen = () => { if (status) live("live", false); };
  source.onerror = () => {
    live("connection lost, trying again", true);
    // The browser itself tries again, unless it was refused.
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 2000);
  };
}
follow();
