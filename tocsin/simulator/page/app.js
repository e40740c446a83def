// The page: it draws what state.js knows, and keeps up with the simulator.
import * as api from "./api.js";
import { avatar } from "./avatars.js";
import { kind, renderChannels, sign } from "./channels.js";
import { composer, setWritable } from "./composer.js";
import { drawDialog } from "./dialogs.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { contextOf, drawList, keepEnd, keepFocus } from "./lists.js";
import { drawModal } from "./modals.js";
import { drawShortcuts } from "./shortcuts.js";
import { drawSituation } from "./situation.js";
import { channel, channelName, inChannel, inThread, isWritable, load, markRead, people, userName, view, visible } from "./state.js";

const $ = (id) => document.getElementById(id);
const RETRY = 1000; // milliseconds

// --- drawing -----------------------------------------------------------------------------------------------------------

const actions = {
  changed: draw,
  dismiss: (ts) => { view.dismissed.add(ts); draw(); },
  openThread: (ts) => { view.thread = ts; draw(); $("reply").focus(); },
};

inModal.ask = (body) => api.suggest({ as: view.actor, view: true, ...body });
inDialog.ask = (body) => api.suggest({ as: view.actor, dialog: true, ...body });

function draw() {
  const one = channel();
  const name = one ? `${one.is_im ? "" : "#"}${channelName(one.id)}` : "";
  document.title = `${name} · ${view.state.team.name} · Slack simulator`;
  $("team").textContent = view.state.team.name;
  drawActors();
  drawTitle(one);
  drawThread(name); // first: it takes room from the list beside it
  if ($("messages").place !== placeOf()) $("jump").hidden = true;
  const list = drawList($("messages"), one ? inChannel() : [], { place: placeOf(), isThread: false, actions });
  if (list.hasMore) $("jump").hidden = false;
  announce(list.fresh);
  if (one && !document.hidden) markRead(one.id);
  keepFocus($("channels"), () => $("channels").replaceChildren(...renderChannels()));
  const words = isWritable(one) ? `Message ${name} as ${userName(view.actor)}` : one && one.is_archived ? "This channel is archived" : `${userName(view.actor)} is not in this channel`;
  drawShortcuts($("composer"), $("shortcuts"));
  drawSituation($("situation"), () => refresh().catch(unanswered), unanswered);
  setWritable($("composer"), isWritable(one), words);
  setWritable($("answer"), isWritable(one), isWritable(one) ? `Reply as ${userName(view.actor)}` : words);
  drawModal($("modal"), view.state.views.at(-1), inModal, contextOf({ ts: "" }, false, actions));
  drawDialog($("dialog"), view.state.dialog, inDialog, choices());
}

// What menus of people and places list.
function choices() {
  const places = view.state.channels.filter((one) => !one.is_archived).map((one) => ({ id: one.id, name: `${one.is_im ? "" : "#"}${channelName(one.id)}`, kind: kind(one) }));
  return { people: people().map((one) => ({ id: one.id, name: userName(one.id) })), channels: places.filter((one) => one.kind === "public"), conversations: places };
}

// Something in the modal or in the dialog was used: one after the other the simulator hears of it, then it is drawn.
let doing = Promise.resolve();
function use(body) {
  doing = doing.then(async () => {
    try {
      await api.click({ as: view.actor, ...body });
      await refresh();
    } catch (error) {
      unanswered(error);
    }
  }).catch(reportError); // one that failed does not keep the next from being done
}
function inModal(body) { use({ view: true, ...body }); }
function inDialog(body) { use({ dialog: true, ...body }); }

const placeOf = () => `${view.actor}/${view.channel}`;

function drawActors() {
  const select = $("actor");
  const wanted = people().map((one) => `${one.id} ${userName(one.id)}${note(one)}`).join();
  if (select.wanted !== wanted) select.replaceChildren(...people().map((one) => el("option", { value: one.id }, `${userName(one.id)}${note(one)}`)));
  select.wanted = wanted;
  select.value = view.actor;
}

const note = (one) => (one.is_stranger ? " (of another company)" : one.is_restricted ? " (guest)" : "");

function drawTitle(one) {
  if (!one) return $("title").replaceChildren("No conversation");
  $("title").replaceChildren(sign(one), channelName(one.id));
  const marks = { private: "private · ", archived: "archived · " };
  const shared = one.is_connect ? "shared with another company · " : "";
  const count = one.members.length;
  $("members").textContent = one.is_im ? "direct message" : `${marks[kind(one)] || ""}${shared}${count} ${count === 1 ? "member" : "members"}`;
}

function drawThread(name) {
  const isOpen = visible().some((message) => message.ts === view.thread);
  $("thread").hidden = !isOpen;
  document.body.classList.toggle("has-thread", isOpen);
  if (!isOpen) return;
  $("place").textContent = name;
  announce(drawList($("replies"), inThread(view.thread), { place: `${placeOf()}/${view.thread}`, isThread: true, actions }).fresh);
}

// Screen readers hear of new messages, not of every redrawn card.
function announce(fresh) {
  const last = fresh.at(-1);
  if (last) $("news").textContent = `${last._ephemeral_to ? "Only visible to you: " : ""}${last.text || "new message"}`;
}

// --- what is open ------------------------------------------------------------------------------------------------------

function closeThread() {
  const parent = view.thread;
  view.thread = "";
  draw();
  document.querySelector(`#messages [data-ts="${CSS.escape(parent)}"] .replies`)?.focus({ preventScroll: true });
}

function showMenu(isOpen) {
  document.body.classList.toggle("has-menu", isOpen);
  $("menu").setAttribute("aria-expanded", String(isOpen));
  if (isOpen) $("channels").querySelector("[aria-current]")?.focus();
}

$("badge").append(avatar("", true));
$("menu").append(icon("menu"));
$("close").append(icon("close"));
$("menu").addEventListener("click", (event) => { event.stopPropagation(); showMenu(!document.body.classList.contains("has-menu")); });
$("close").addEventListener("click", closeThread);
$("jump").addEventListener("click", () => { $("messages").scrollTop = $("messages").scrollHeight; $("messages").focus(); });
keepEnd($("messages"), () => { $("jump").hidden = true; });
keepEnd($("replies"), () => {});
$("actor").addEventListener("change", () => { view.actor = $("actor").value; refresh().catch(unanswered); });
document.querySelector(".room").addEventListener("click", () => showMenu(false));
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open], :popover-open")) return;
  if (document.body.classList.contains("has-menu")) showMenu(false);
  else if (view.thread) closeThread();
});
addEventListener("hashchange", () => {
  const wanted = location.hash.slice(1);
  if (!channel(wanted)) return;
  [view.channel, view.thread] = [wanted, ""];
  showMenu(false);
  draw();
});
document.addEventListener("visibilitychange", () => view.state && draw());

composer($("composer"), () => ({ as: view.actor, channel: view.channel }), refresh);
composer($("answer"), () => ({ as: view.actor, channel: view.channel, thread_ts: view.thread }), refresh);

// --- keeping up --------------------------------------------------------------------------------------------------------

async function refresh() {
  if (await load()) draw();
}

// Says that the simulator is away; follow() asks again. Every other error is one of this page.
function unanswered(error) {
  if (!(error instanceof api.Unanswered)) throw error;
  $("offline").hidden = false;
}

async function follow() {
  for (let isBehind = true; ; ) {
    try {
      if (!isBehind) isBehind = (await api.changes(view.state.version)).version !== view.state.version;
      if (isBehind) await refresh();
      isBehind = false;
      $("offline").hidden = true;
    } catch (error) {
      unanswered(error);
      isBehind = true;
      await new Promise((resolve) => setTimeout(resolve, RETRY));
    }
  }
}

follow();
