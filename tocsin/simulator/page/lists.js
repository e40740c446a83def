// Lists of messages that change under the eyes of a reader: what did not change is not touched, and the end stays in view.
import * as api from "./api.js";
import { stateOf, press, usedIn } from "./actions.js";
import { el, reconcile } from "./dom.js";
import { moment, renderMessage } from "./messages.js";
import { near } from "./mrkdwn.js";
import { appName, channelName, isApp, people, userName, view, whispersIn } from "./state.js";

const NEAR_END = 60; // pixels

// place: what the list shows; another place begins at its end. Answers whether there is something new out of sight.
export function drawList(list, messages, { place, isThread, actions }) {
  const isNew = list.place !== place;
  if (isNew) list.follows = true;
  const before = isNew ? new Map() : new Map([...list.children].map((item) => [item.dataset.ts, item]));
  const fresh = isNew ? [] : messages.filter((message) => !before.has(message.ts));
  list.place = place;
  const items = messages.length ? dated(messages, (message) => itemOf(message, before.get(message.ts), isThread, actions)) : [el("li", { class: "empty" }, "Nothing here yet.")];
  keepFocus(list, () => reconcile(list, items));
  // A whisper is the answer to what was just pressed, so it is brought into view.
  if (list.follows || fresh.some((message) => message._ephemeral_to || message.user === view.actor)) list.scrollTop = list.scrollHeight;
  return { fresh, hasMore: fresh.length > 0 && !list.follows && !isAtEnd(list) };
}

// Who has scrolled to the end wants to stay there, also when the window or the thread takes some of its room.
export function keepEnd(list, reached) {
  list.addEventListener("scroll", () => {
    list.follows = isAtEnd(list);
    if (list.follows) reached();
  });
  new ResizeObserver(() => { if (list.follows) list.scrollTop = list.scrollHeight; }).observe(list);
}

const isAtEnd = (list) => list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END;

function itemOf(message, old, isThread, actions) {
  const content = JSON.stringify([message, isThread || whispersIn(message.ts)]);
  const signature = JSON.stringify([content, view.actor, usedIn(message.ts), view.state.app.shortcuts]);
  if (old && old.signature === signature) return old;
  const item = renderMessage(message, contextOf(message, isThread, actions));
  item.dataset.channel = view.channel;
  Object.assign(item, { content, signature });
  if (old && old.content !== content) item.classList.add("changed");
  return item;
}

export function contextOf(message, isThread, { changed, openThread, dismiss }) {
  const context = {
    appName,
    userName,
    channelName,
    isApp,
    isThread,
    whispersIn,
    openThread,
    dismiss,
    nameOf: (shown) => (shown.bot_id ? shown.username || appName() : userName(shown.user)),
    people: () => people().map((one) => ({ id: one.id, name: userName(one.id) })),
    channels: () => view.state.channels.filter((one) => !one.is_im).map((one) => ({ id: one.id, name: `#${one.name}` })),
    shortcuts: () => view.state.app.shortcuts.filter((one) => one.type === "message"),
    stateOf: (block, action) => stateOf(message.ts, block, action),
    press: (where, part) => press(message, where, part, context, changed),
    suggest: (where) => api.suggest({ as: view.actor, channel: view.channel, ts: message.ts, ...where }),
  };
  return context;
}

// --- days --------------------------------------------------------------------------------------------------------------

function dated(messages, draw) {
  let day = "";
  return messages.flatMap((message) => {
    const when = moment(message.ts);
    const isNext = when.toDateString() !== day;
    day = when.toDateString();
    return isNext ? [el("li", { class: "day" }, el("span", {}, dayName(when))), draw(message)] : [draw(message)];
  });
}

function dayName(when) {
  const name = near(when) || when.toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long" });
  return name[0].toUpperCase() + name.slice(1);
}

// --- focus -------------------------------------------------------------------------------------------------------------

// Where the focused element was drawn anew, its successor gets the focus; where there is none, the next best of that message.
export function keepFocus(root, change) {
  const focused = root.contains(document.activeElement) ? document.activeElement : null;
  const item = focused && focused.closest("[data-ts]");
  const key = focused && (focused.closest("[data-key]") || { dataset: {} }).dataset.key;
  change();
  if (!focused || document.activeElement === focused) return;
  const place = item ? root.querySelector(`[data-ts="${CSS.escape(item.dataset.ts)}"]`) : root;
  const heir = place && ((key && place.querySelector(`[data-key="${CSS.escape(key)}"]`)) || place.querySelector("[data-key]"));
  (heir || root).focus({ preventScroll: true });
}
