// Keeps the status page up to date, draws the last 24 hours, opens waterfalls. The page is complete without it.
//
// Rule of this file: what is shown comes from the page asked for again, or goes in as text; nothing else becomes markup.

const EVERY = 5_000;
const LONG = 250_000; // characters of a page that is asked for six times less often: of some hundreds of pairs
const STRIPS_EVERY = 15_000;
const PATIENCE = 10_000; // milliseconds that an answer may take
const PHASES = ["dns", "connect", "tls", "send", "wait", "receive"];
const SVG = "http://www.w3.org/2000/svg";

const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/** Make an element; strings among `children` become text. */
function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function draw(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

const ask = (path, more = {}) =>
  fetch(path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE), ...more });

// -- time ------------------------------------------------------------------------------------------------------------

const clock = (when) => `${when.toISOString().slice(11, 19)} UTC`;
const minute = (when) => when.toISOString().slice(11, 16);
const seconds = (value) => (value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(2)} s`);

// -- keeping up to date ----------------------------------------------------------------------------------------------

// Only the prober's own page goes through here, whose texts it has made harmless.
const trusted = window.trustedTypes?.createPolicy("page", { createHTML: (text) => text });
const parsed = (text) => new DOMParser().parseFromString(trusted ? trusted.createHTML(text) : text, "text/html");

const seen = { tag: "", length: 0, at: null, stale: false, timer: 0, asking: false };

function say(words) {
  find("#said").textContent = words;
}

function showLive() {
  const live = find("#live");
  live.hidden = false;
  live.classList.toggle("stale", seen.stale);
  if (seen.stale) {
    const since = seen.at ? ` since ${clock(seen.at)}` : "";
    live.textContent = `Stale${since}: the prober does not answer`;
  } else if (seen.at) {
    live.textContent = `Live, ${clock(seen.at)}`;
  }
}

/** Take over what differs in the page asked for again; focus stays where it was. */
function takeOver(fresh) {
  const focused = document.activeElement?.id;
  const before = find("#main .words")?.textContent;
  const [old, renewed] = [find("#main"), find("#main", fresh)];
  if (old.dataset.shape !== renewed.dataset.shape) {
    old.replaceWith(document.adoptNode(renewed));
    strips();
  } else {
    for (const part of all("[data-live]", renewed)) {
      const shown = document.getElementById(part.id);
      if (!shown) {
        find(`.${part.parentElement.className}`, old).append(document.adoptNode(part));
      } else if (shown.outerHTML !== part.outerHTML) {
        shown.replaceWith(document.adoptNode(part));
      }
    }
  }
  if (focused && document.activeElement?.id !== focused) {
    document.getElementById(focused)?.focus({ preventScroll: true });
  }
  settle();
  const after = find("#main .words")?.textContent;
  if (after && after !== before) {
    say(after);
  }
}

/** What follows from what is shown: the tab's name, and which rows have failures to look at. */
function settle() {
  const mood = find(".headline");
  const sign = find(".sign", mood ?? document)?.textContent ?? "";
  document.title = `${sign} Client access`.trim();
  for (const row of all("tr.pair")) {
    const bad = Number(find("[data-bad]", row)?.dataset.bad ?? 0) + Number(row.dataset.day ?? 0);
    row.classList.toggle("has-failures", bad > 0);
  }
  fold();
}

// -- folding ---------------------------------------------------------------------------------------------------------

const MANY = 30; // pairs of client and target from which clients are folded, as on a phone

const chosen = new Map(); // client: whether its targets are to be seen

/** Show the targets of a client that somebody has asked for, and once it is in trouble. */
function fold() {
  const tight = matchMedia("(max-width: 46rem)").matches || all("tr.pair").length > MANY;
  for (const body of all("tbody[data-of]")) {
    const client = body.dataset.of;
    const pairs = all("tr.pair", body);
    const heading = find("h3", body);
    if (!find("button", heading)) {
      heading.append(make("button", { type: "button", class: "fold", id: `f-${client}` }, ...heading.childNodes));
    }
    if (!chosen.has(client) && find("tr.client .v:is(.failing, .recovering)", body)) {
      chosen.set(client, true);
    }
    const open = chosen.get(client) ?? (!tight || pairs.length === 1);
    find("button", heading).setAttribute("aria-expanded", open);
    for (const row of pairs) {
      row.hidden = !open;
    }
  }
  const shown = all("tr.pair").every((row) => !row.hidden);
  const unfold = find("#unfold");
  if (!unfold) {
    return;
  }
  unfold.hidden = false;
  unfold.textContent = shown ? "Hide targets" : "Show all targets";
}

function foldAll() {
  const shown = all("tr.pair").every((row) => !row.hidden);
  for (const body of all("tbody[data-of]")) {
    chosen.set(body.dataset.of, !shown);
  }
  fold();
}

// -- asking again ----------------------------------------------------------------------------------------------------

async function refresh() {
  if (seen.asking || document.hidden) {
    return;
  }
  seen.asking = true;
  try {
    const answer = await ask("./", { headers: seen.tag ? { "If-None-Match": seen.tag } : {} });
    if (answer.status !== 304) {
      if (!answer.ok) {
        throw new Error(`status ${answer.status}`);
      }
      const text = await answer.text();
      takeOver(parsed(text));
      seen.length = text.length;
      seen.tag = answer.headers.get("etag") ?? "";
    }
    if (seen.stale) {
      say("The prober answers again.");
    }
    [seen.at, seen.stale] = [new Date(), false];
  } catch {
    if (!seen.stale) {
      say("The prober does not answer; what is shown is stale.");
    }
    seen.stale = true;
  } finally {
    seen.asking = false;
  }
  showLive();
}

function tick() {
  clearTimeout(seen.timer);
  refresh().finally(() => {
    clearTimeout(seen.timer);
    seen.timer = setTimeout(tick, seen.length > LONG ? 6 * EVERY : EVERY);
  });
}

// -- the last 24 hours -----------------------------------------------------------------------------------------------

/** Wilson's limits of a share, at 95 %. */
function wilson(successes, count) {
  const z = 1.959964;
  const middle = successes + (z * z) / 2;
  const reach = z * Math.sqrt((successes * (count - successes)) / count + (z * z) / 4);
  const [lower, upper] = [(middle - reach) / (count + z * z), (middle + reach) / (count + z * z)];
  return [successes ? lower : 0, successes < count ? upper : 1];
}

/** A share in percent, to one place; nearly all is not all. */
const percent = (ratio) => (ratio === 1 ? "100" : Math.min(100 * ratio, 99.9).toFixed(1));

function kindOf([ok, slow, failed, other]) {
  if (failed) return "failed";
  if (slow) return "slow";
  if (other) return "other";
  return ok ? "ok" : "none";
}

/** Draw one strip: runs of equal cells as one bar, failures as bars as high as their share. */
function strip(cells, from, step) {
  const picture = draw("svg", {
    class: "strip",
    viewBox: `0 0 ${cells.length} 24`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": told(cells, step),
  });
  const at = (index) => minute(new Date(from.getTime() + index * step * 1000));
  const bar = (index, width, y, kind, title) => {
    const made = draw("rect", { x: index, y, width, height: 24 - y, class: kind });
    if (title) {
      made.append(draw("title", {}, title));
    }
    picture.append(made);
  };
  for (let index = 0; index < cells.length; ) {
    const kind = kindOf(cells[index]);
    const [ok, slow, failed, other] = cells[index];
    let next = index + 1;
    const quiet = kind === "ok" || kind === "none";
    while (quiet && next < cells.length && kindOf(cells[next]) === kind) {
      next += 1;
    }
    const when = `${at(index)} to ${at(next)} UTC`;
    if (kind === "none") {
      bar(index, next - index, 22, "none", `${when}: nothing measured`);
    } else if (kind === "ok") {
      bar(index, next - index, 0, "ok", `${when}: all well`);
    } else {
      const share = (kind === "failed" ? failed : kind === "slow" ? slow : other) / (ok + slow + failed + other);
      const words = `${when}: ${ok + slow} succeeded, ${slow} of them slow, ${failed} failed, ${other} not counted`;
      bar(index, 1, 0, ok || slow ? "ok" : "bare", words);
      bar(index, 1, 24 - Math.max(7, 24 * share), kind, words);
    }
    index = next;
  }
  return picture;
}

function told(cells, step) {
  const count = (kind) => cells.filter((cell) => kindOf(cell) === kind).length;
  const unit = step === 900 ? "quarter hours" : "periods";
  const measured = cells.length - count("none");
  return (
    `${count("failed")} of ${cells.length} ${unit} with failures, ${count("slow")} with slow attempts only, ` +
    `${count("ok")} well, ${cells.length - measured} without measurement`
  );
}

/** Show the share of successes of the last 24 hours in place of the one since the start. */
function ratioOfDay(row, cells) {
  const [ok, slow, failed, other] = [0, 1, 2, 3].map((place) => cells.reduce((sum, cell) => sum + cell[place], 0));
  const [good, counted] = [ok + slow, ok + slow + failed];
  row.dataset.day = failed + other;
  row.classList.toggle("has-day", counted > 0);
  if (!counted) {
    return;
  }
  const [lower, upper] = wilson(good, counted).map(percent);
  const place = find(".ratio24", row);
  place.title = `${good} of ${counted} attempts that count, in the last 24 hours`;
  place.replaceChildren(
    make("b", {}, `${percent(good / counted)} %`),
    " ",
    make("span", { class: "limits" }, `${lower} to ${upper} %`),
  );
}

const added = (sums, cells) =>
  sums ? cells.map((cell, index) => cell.map((count, place) => count + sums[index][place])) : cells;

async function strips() {
  let history;
  try {
    const answer = await ask("api/v1/history?hours=24");
    history = answer.ok ? await answer.json() : null;
  } catch {
    return; // that the prober does not answer is told elsewhere
  }
  document.documentElement.classList.toggle("no-history", !history);
  if (!history) {
    return;
  }
  const [from, step] = [new Date(history.from), history.seconds_per_cell];
  const rows = new Map(all("tr.pair").map((row) => [`${row.dataset.client}\n${row.dataset.target}`, row]));
  const sums = new Map();
  for (const { client, target, cells } of history.assignments) {
    const row = rows.get(`${client}\n${target}`);
    if (row) {
      find(".day", row).replaceChildren(strip(cells, from, step));
      ratioOfDay(row, cells);
      const body = row.parentElement;
      sums.set(body, added(sums.get(body), cells));
    }
  }
  for (const [body, cells] of sums) {
    const row = find("tr.client", body);
    find(".day", row).replaceChildren(strip(cells, from, step));
    ratioOfDay(row, cells);
  }
  settle();
}

// -- waterfalls ------------------------------------------------------------------------------------------------------

const REFUSED = new Map([
  [401, "Sign in to see failures."],
  [403, "Failures are shown to this machine only, unless --web.config.file says who may come in."],
  [404, "This failure is not kept any more."],
]);

async function got(path) {
  const answer = await ask(path);
  if (!answer.ok) {
    throw new Error(REFUSED.get(answer.status) ?? `The prober answers with status ${answer.status}.`);
  }
  return answer.json();
}

const BESIDES = new Map([
  ["second_look", "second look"],
  ["probe", "asked for by /probe"],
  ["push", "push channel"],
]);

const why = (one) =>
  [one.reason, one.code, one.step && `at ${one.step}`, BESIDES.get(one.origin)].filter(Boolean).join(" · ");

async function openFailures(row) {
  const { client, target } = row.dataset;
  const title = find("h3", row.parentElement)?.textContent ?? client;
  const body = find("#dialog-body");
  find("#dialog-title").textContent = `Failures: ${title} on ${target}`;
  body.replaceChildren(make("p", { class: "quiet" }, "Loading"));
  find("#dialog").showModal();
  try {
    const query = new URLSearchParams({ client, target, limit: 50 });
    const { failures } = await got(`api/v1/failures?${query}`);
    failures.sort((one, other) => other.started_at.localeCompare(one.started_at));
    showFailures(body, failures);
  } catch (problem) {
    body.replaceChildren(make("p", { role: "alert" }, problem.message));
  }
}

function showFailures(body, failures) {
  if (!failures.length) {
    body.replaceChildren(make("p", {}, "No failure is kept."));
    return;
  }
  const detail = make("section", { id: "waterfall", "aria-live": "polite" });
  const list = make("ul", { class: "failures", "aria-label": "Failures, newest first", tabindex: "0" });
  for (const one of failures) {
    const when = `${one.started_at.slice(0, 19).replace("T", " ")} UTC`;
    const button = make("button", { type: "button" }, make("b", {}, when), ` ${one.verdict}: ${why(one)}`);
    button.addEventListener("click", () => {
      for (const other of all("button", list)) {
        other.removeAttribute("aria-current");
      }
      button.setAttribute("aria-current", "true");
      showWaterfall(detail, one.id);
    });
    list.append(make("li", {}, button));
  }
  body.replaceChildren(list, detail);
  find("button", list).click();
}

async function showWaterfall(place, id) {
  const path = `api/v1/failures/${encodeURIComponent(id)}`;
  place.dataset.wanted = id;
  try {
    const found = await got(path);
    if (place.dataset.wanted === String(id)) {
      place.replaceChildren(...waterfall(found, `${path}?format=text`));
    }
  } catch (problem) {
    place.replaceChildren(make("p", { role: "alert" }, problem.message));
  }
}

function* waterfall(found, textPath) {
  yield make("h3", {}, `${found.verdict}: ${why(found) || "no reason given"}`);
  if (found.because) {
    yield make("p", {}, found.because);
  }
  if (found.blame) {
    yield make("p", {}, "Most probably to blame: ", make("b", {}, found.blame));
  }
  const total = found.duration_seconds || 1;
  const body = make("tbody");
  let at = 0;
  for (const step of found.steps) {
    const took = step.duration_seconds ?? 0;
    body.append(stepRow(step, at, total));
    at += took;
  }
  if (found.skipped?.length) {
    const names = make("td", { colspan: "2", class: "quiet skipped" }, found.skipped.join(", "));
    body.append(make("tr", {}, make("th", { scope: "row", class: "quiet" }, "not reached"), names));
  }
  const head = ["step", "time", "took"].map((name) => make("th", { scope: "col" }, name));
  const caption = make("caption", { class: "unseen" }, `Waterfall of ${seconds(total)}`);
  yield make("table", { class: "waterfall" }, caption, make("thead", {}, make("tr", {}, ...head)), body);
  yield legend(found.steps);
  yield* evidence(found);
  yield* transcript(found.evidence?.transcript ?? []);
  yield actions(textPath);
}

function stepRow(step, at, total) {
  const parts = PHASES.filter((phase) => phase in (step.phases ?? {}));
  const said = parts.map((phase) => `${phase} ${seconds(step.phases[phase])}`).join(", ") || "no phase measured";
  const picture = draw("svg", { viewBox: "0 0 1000 16", preserveAspectRatio: "none", role: "img", "aria-label": said });
  const scale = 1000 / total;
  const took = step.duration_seconds ?? 0;
  picture.append(draw("rect", { x: at * scale, y: 3, width: Math.max(2, took * scale), height: 10, class: "whole" }));
  let from = at;
  for (const phase of parts) {
    const width = Math.max(1, step.phases[phase] * scale);
    picture.append(draw("rect", { x: from * scale, y: 3, width, height: 10, class: phase }, draw("title", {}, said)));
    from += step.phases[phase];
  }
  const broke = step.reason || step.verdict !== "ok";
  const name = make("th", { scope: "row" }, step.step, broke ? make("span", { class: "v failed" }, " ✕ broke here") : "");
  const time = step.duration_seconds === null ? "not measured" : seconds(took);
  return make("tr", { class: broke ? "broke" : "" }, name, make("td", {}, picture), make("td", {}, time));
}

function legend(steps) {
  const used = PHASES.filter((phase) => steps.some((step) => phase in (step.phases ?? {})));
  const entries = used.map((phase) => {
    const swatch = draw("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" });
    swatch.append(draw("rect", { width: 10, height: 10, class: phase }));
    return make("li", {}, swatch, phase);
  });
  return make("ul", { class: "legend", "aria-label": "Phases" }, ...entries);
}

function* evidence({ steps, evidence: more = {} }) {
  const ids = Object.entries(more.request_ids ?? {}).map(([name, values]) => [name, values.join(", "), "request"]);
  const rows = steps.flatMap((step) =>
    Object.entries(step.evidence ?? {}).map(([name, value]) => [name, String(value), step.step]),
  );
  rows.push(...ids);
  if (!rows.length) {
    return;
  }
  const body = make("tbody", {}, ...rows.map(([name, value, step]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value), make("td", { class: "quiet" }, step))));
  const caption = make("caption", {}, "Evidence");
  yield make("table", { class: "small evidence" }, caption, body);
}

function* transcript(lines) {
  if (lines.length) {
    const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");
    const shown = make("pre", { tabindex: "0", "aria-label": "Transcript" }, text);
    yield make("details", {}, make("summary", {}, `Transcript, ${lines.length} lines`), shown);
  }
}

function actions(textPath) {
  const button = make("button", { type: "button", id: "copy" }, "Copy for a support case");
  const said = make("span", { role: "status" });
  const place = make("p", { class: "actions" }, button, " ", make("a", { href: textPath }, "Open as text"), " ", said);
  button.addEventListener("click", async () => {
    const answer = await ask(textPath);
    const text = await answer.text();
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = "Copied.";
    } catch {
      const area = make("textarea", { readonly: "", rows: "12", "aria-label": "Text for a support case" });
      area.value = text;
      place.after(area);
      area.select();
      said.textContent = "Copy it from the field below.";
    }
  });
  return place;
}

// -- beginnings ------------------------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const folding = event.target.closest("button.fold");
  if (folding) {
    chosen.set(folding.closest("tbody").dataset.of, folding.getAttribute("aria-expanded") !== "true");
    fold();
  }
  if (event.target.closest("#unfold")) {
    foldAll();
  }
  const button = event.target.closest("button.more");
  if (button) {
    openFailures(button.closest("tr"));
  }
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post") {
    return;
  }
  event.preventDefault();
  const button = find("button", form);
  button.disabled = true;
  const answer = await ask(form.getAttribute("action"), { method: "POST" }).catch(() => null);
  button.disabled = false;
  if (!answer?.ok) {
    say("That did not work.");
  }
  await refresh();
  button.isConnected ? button.focus() : document.getElementById(button.id)?.focus();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    tick();
    strips();
  }
});

matchMedia("(max-width: 46rem)").addEventListener("change", fold);
document.documentElement.classList.add("scripted");
settle();
tick();
strips();
setInterval(() => document.hidden || strips(), STRIPS_EVERY);
