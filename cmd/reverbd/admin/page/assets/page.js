"use strict";
const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const rate = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
let app = new URLSearchParams(location.search).get("app") || "", by = "second", source, last, busy = [];
let on = false, paused = false, all = [], held = 0;
const keep = 2000, shown = 500;

function node(name, text, more = {}) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  return Object.assign(e, more);
}
function row(...cells) {
  const tr = node("tr");
  for (const c of cells) {
    const td = node("td");
    if (typeof c === "number") { td.className = "n"; td.textContent = number.format(c); } else if (c instanceof Node) { td.append(c); if (c.className === "n") td.className = "n"; } else td.textContent = c;
    tr.append(td);
  }
  return tr;
}
const right = (text) => { const td = node("span", text); td.className = "n"; return td; };
function age(s) { return s < 120 ? s + " s" : s < 7200 ? Math.floor(s / 60) + " min" : s < 172800 ? Math.floor(s / 3600) + " h" : Math.floor(s / 86400) + " d"; }
function bytes(n) { return n < 10000 ? number.format(n) + " B" : n < 1e7 ? number.format(Math.round(n / 1e3)) + " kB" : number.format(Math.round(n / 1e6)) + " MB"; }
async function get(path, values) {
  const res = await fetch(path + "?" + new URLSearchParams(values));
  if (!res.ok) throw new Error(await res.text());
  return res.json();
}

// Charts: figures of the server count up, and are shown as differences.
function color(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
const charts = {};
function chart(id, names) {
  const box = $(id), colors = ["--mark", "--good"];
  const axis = { stroke: () => color("--soft"), grid: { stroke: () => color("--line"), width: 1 }, ticks: { stroke: () => color("--line") } };
  return new uPlot({
    width: Math.max(box.clientWidth, 200), height: 170, legend: { show: true }, cursor: { y: false },
    scales: { y: { range: (u, min, max) => [0, Math.max(max * 1.1, 1)] } },
    axes: [{ ...axis }, { ...axis, size: 56, values: (u, v) => v.map((n) => number.format(n)) }],
    series: [{}].concat(names.map((n, i) => ({ label: n, stroke: () => color(colors[i]), width: 2, points: { show: false }, value: (u, v) => (v == null ? "–" : rate.format(v)) }))),
  }, [[], ...names.map(() => [])], box);
}
let points = [];
function draw() {
  const per = (key) => points.map((p, i) => i === 0 ? null : Math.max(0, (p[key] - points[i - 1][key]) * 1000 / (p.t - points[i - 1].t)));
  const t = points.map((p) => p.t / 1000);
  charts.connections.setData([t, points.map((p) => p.connections)]);
  charts.events.setData([t, per("events"), per("messages")]);
  charts.deliveries.setData([t, per("deliveries")]);
}
async function loadHistory() {
  const mine = app;
  const list = await get("api/history", { app, by });
  if (mine === app) { points = list; draw(); }
}

// Figures, every second.
function figures(f) {
  $("state").textContent = (f.drains ? "draining" : "live") + " · " + f.version;
  const select = $("app"), ids = f.apps.map((a) => a.id).join("\n");
  if (select.dataset.ids !== ids) {
    select.dataset.ids = ids;
    select.replaceChildren(...f.apps.map((a) => node("option", a.id, { value: a.id })));
    if (!f.apps.some((a) => a.id === app)) { choose(f.apps.length ? f.apps[0].id : ""); return; }
    select.value = app;
  }
  const dt = last ? (f.now.t - last.now.t) / 1000 : 0;
  const per = (key) => dt > 0 ? rate.format(Math.max(0, (f.now[key] - last.now[key]) / dt)) : "–";
  const here = f.apps.find((a) => a.id === app);
  $("now").replaceChildren(...[["Connections", number.format(here ? here.connections : 0)], ["Events/s", per("events")], ["Client messages/s", per("messages")],
    ["Deliveries/s", per("deliveries")], ["Sent", dt > 0 ? bytes(Math.max(0, Math.round((f.now.bytes - last.now.bytes) / dt))) + "/s" : "–"], ["Slow consumers", number.format(f.slow)]]
    .map(([k, v]) => { const d = node("div"); d.append(node("dt", k), node("dd", v)); return d; }));
  $("reasons").replaceChildren(...[["closed", f.closed], ["refused", f.refused], ["API", f.answers]].flatMap(([what, list]) => (list || []).map((r) => row(what + " " + r.name.replaceAll("_", " "), r.count))));
  $("loops").replaceChildren(...(f.loops || []).map((l, i) => row(String(i), l.connections, right(dt > 0 && busy[i] !== undefined ? Math.round(100 * Math.max(0, l.busy - busy[i]) / dt) + " %" : "–"), right(rate.format(l.longest * 1000) + " ms"), right(bytes(l.mailbox)))));
  busy = (f.loops || []).map((l) => l.busy);
  $("nodes").textContent = f.redis ? `${f.redis.others} other nodes. Redis is ${f.redis.connected ? "connected" : "lost"}; ${bytes(f.redis.queue)} wait for it, ${number.format(f.redis.dropped)} events of other nodes are lost.` : "A node of its own.";
  if (f.now.t && by === "second") { points.push(f.now); if (points.length > 300) points.shift(); draw(); }
  last = f.now.t ? f : undefined;
}

// The console.
function line(l) {
  const li = node("li"), what = [l.channel, l.event, l.request, l.socket, l.client && "from " + l.client, l.user && "user " + l.user, l.code, l.reason,
    l.seconds !== undefined && "after " + age(l.seconds), l.kind === "subscription_count" && (l.count || 0) + " subscribers",
    l.data !== undefined && JSON.stringify(l.data), l.cut && `(${number.format(l.cut)} bytes, not shown)`].filter(Boolean).join(" ");
  if (l.kind === "refused" || l.kind === "answered" && l.code >= 400) li.className = "bad";
  if (l.kind === "opened" || l.kind === "subscribed") li.className = "good";
  if (l.missing) li.append(node("em", `${number.format(l.missing)} lines are not shown. `));
  li.append(node("time", l.at.slice(11, 23)), " ", node("b", l.kind.replaceAll("_", " ")), " ", what);
  return li;
}
const wanted = (l) => { const k = $("console-kind").value; return !k || k.split(" ").includes(l.kind); };
function lines(list) {
  all.push(...list);
  if (all.length > keep) all.splice(0, all.length - keep);
  if (paused) { held += list.length; $("console-pause").textContent = `Go on (${number.format(held)})`; return; }
  const ol = $("lines"), end = ol.scrollHeight - ol.scrollTop - ol.clientHeight < 40;
  ol.append(...list.filter(wanted).map(line));
  while (ol.children.length > shown) ol.firstChild.remove();
  if (end) ol.scrollTop = ol.scrollHeight;
}
function redrawLines() {
  $("lines").replaceChildren(...all.filter(wanted).slice(-shown).map(line));
  $("lines").scrollTop = $("lines").scrollHeight;
}

function listen() {
  if (source) source.close();
  const values = { app };
  if (on) { values.console = "1"; values.channel = $("console-channel").value; }
  source = new EventSource("api/stream?" + new URLSearchParams(values));
  source.addEventListener("figures", (e) => figures(JSON.parse(e.data)));
  source.addEventListener("lines", (e) => lines(JSON.parse(e.data)));
  source.onerror = () => { $("state").textContent = "the server does not answer"; last = undefined; if (source.readyState === 2) setTimeout(listen, 2000); };
}
function choose(id) {
  app = id; last = undefined; points = [];
  const url = new URL(location.href); url.searchParams.set("app", id); window.history.replaceState(null, "", url);
  listen(); loadHistory().catch(() => {}); tables();
}

// Tables, every few seconds while the page is seen.
async function channels() {
  const r = await get("api/channels", { app, text: $("channel-text").value });
  $("channel-count").textContent = number.format(r.count) + " occupied";
  $("channels").replaceChildren(...r.channels.map((c) => {
    const b = node("button", c.name, { type: "button", className: "link" });
    b.dataset.key = "channel " + c.name;
    b.onclick = () => channel(c.name).catch((e) => { $("channel").textContent = e.message; });
    return row(b, c.subscribers);
  }));
}
async function channel(name) {
  const c = await get("api/channel", { app, name });
  $("channel").replaceChildren(node("h3", c.name), node("p", number.format(c.subscribers) + (c.users ? " users: " + c.users.map((u) => typeof u === "string" ? u : JSON.stringify(u)).join(", ") : " subscribers")));
  if (c.cached) $("channel").append(node("p", "Last event: " + JSON.stringify(c.cached)));
}
async function connections() {
  const list = await get("api/connections", { app, text: $("connection-text").value });
  $("connections").replaceChildren(...list.map((c) => {
    const b = node("button", "End", { type: "button" });
    b.dataset.key = "end " + c.id;
    b.setAttribute("aria-label", "End connection " + c.id);
    b.onclick = async () => { b.disabled = true; await fetch("api/end", { method: "POST", body: new URLSearchParams({ socket: c.id }) }); tables(); };
    return row(c.id, c.client, c.origin, (c.users || []).join(", "), right(age(c.seconds)), c.channels.join(", ") + (c.subscriptions > c.channels.length ? ` and ${c.subscriptions - c.channels.length} more` : ""), right(bytes(c.waiting)), b);
  }));
}
let asking = false;
async function tables() {
  if (asking || !app || document.hidden) return;
  asking = true;
  const focus = document.activeElement && document.activeElement.dataset.key;
  try { await Promise.all([channels(), connections()]); } catch { /* the stream says so */ }
  asking = false;
  if (focus) { const again = document.querySelector(`[data-key="${CSS.escape(focus)}"]`); if (again) again.focus(); }
}

addEventListener("DOMContentLoaded", () => {
  charts.connections = chart("chart-connections", ["connections"]);
  charts.events = chart("chart-events", ["events", "client messages"]);
  charts.deliveries = chart("chart-deliveries", ["deliveries"]);
  addEventListener("resize", () => { for (const c of Object.values(charts)) c.setSize({ width: Math.max(c.root.parentNode.clientWidth, 200), height: 170 }); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { for (const c of Object.values(charts)) c.redraw(); });
  $("app").onchange = () => choose($("app").value);
  for (const b of document.querySelectorAll("[data-by]")) b.onclick = () => {
    by = b.dataset.by;
    for (const o of document.querySelectorAll("[data-by]")) o.setAttribute("aria-pressed", String(o === b));
    loadHistory().catch(() => {});
  };
  $("console-form").onsubmit = (e) => { e.preventDefault(); if (on) listen(); };
  $("console-channel").onchange = () => { if (on) listen(); };
  $("console-kind").onchange = redrawLines;
  $("console-switch").onclick = () => {
    on = !on;
    $("console-switch").setAttribute("aria-pressed", String(on));
    $("console-switch").textContent = on ? "Stop" : "Start";
    $("console-pause").disabled = !on;
    listen();
  };
  $("console-pause").onclick = () => {
    paused = !paused; held = 0;
    $("console-pause").setAttribute("aria-pressed", String(paused));
    $("console-pause").textContent = paused ? "Go on" : "Pause";
    if (!paused) redrawLines();
  };
  $("console-clear").onclick = () => { all = []; redrawLines(); };
  $("console-save").onclick = () => {
    const url = URL.createObjectURL(new Blob(all.map((l) => JSON.stringify(l) + "\n"), { type: "application/jsonl" }));
    node("a", "", { href: url, download: `reverbd-${app}.jsonl` }).click();
    URL.revokeObjectURL(url);
  };
  $("create").onsubmit = async (e) => {
    e.preventDefault();
    const form = new URLSearchParams(new FormData(e.target));
    form.set("app", app);
    const res = await fetch("api/publish", { method: "POST", body: form });
    const text = await res.text();
    $("created").textContent = res.ok ? "published at " + new Date().toLocaleTimeString("en-GB") : res.status + " " + text;
    $("created").className = res.ok ? "" : "bad-text";
  };
  let typing;
  for (const id of ["channel-text", "connection-text"]) $(id).oninput = () => { clearTimeout(typing); typing = setTimeout(tables, 250); };
  listen();
  loadHistory().catch(() => {});
  setInterval(tables, 3000);
  setInterval(() => { if (by === "minute") loadHistory().catch(() => {}); }, 60000);
});
