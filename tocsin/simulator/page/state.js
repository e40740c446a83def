// What the page knows: the simulator's state as the acting person sees it, who acts, and what is open.
import * as api from "./api.js";

export const view = {
  state: null,
  actor: "",
  channel: "",
  thread: "",
  used: new Map(), // element of a message, per person → {pending, error, reason, chosen}
  dismissed: new Set(), // whispers that were put away
  read: new Map(), // person and channel → ts up to which it was seen
};

let asked = 0;
let shown = 0;

// Fetches what the acting person sees. False when a later answer is here already.
export async function load() {
  const mine = (asked += 1);
  let state = await api.state(view.actor);
  if (!view.actor) {
    view.actor = (people(state)[0] || { id: "" }).id;
    state = await api.state(view.actor);
  }
  if (mine < shown) return false;
  shown = mine;
  view.state = state;
  if (!channel()) view.channel = first();
  return true;
}

function first() {
  const ids = [location.hash.slice(1), (view.state.channels.find((one) => one.name === "alerts") || {}).id, (view.state.channels[0] || {}).id];
  return ids.find((id) => view.state.channels.some((one) => one.id === id)) || "";
}

// --- who and where -----------------------------------------------------------------------------------------------------

export const people = (state = view.state) => state.users.filter((one) => !one.is_bot && !one.deleted);
export const channel = (id = view.channel) => view.state.channels.find((one) => one.id === id);
const user = (id) => view.state.users.find((one) => one.id === id);

export const userName = (id) => (user(id) ? user(id).real_name || user(id).name : id);
export const isApp = (id) => Boolean(user(id) && user(id).is_bot);
export const appName = () => view.state.app.name;

// A direct conversation is called after whoever is on the other side.
export function channelName(id) {
  const one = channel(id);
  if (!one) return id;
  if (!one.is_im) return one.name;
  return one.user === view.actor ? appName() : userName(one.user);
}

export const isWritable = (one) => Boolean(one && !one.is_archived && one.members.includes(view.actor));

// --- messages ----------------------------------------------------------------------------------------------------------

const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;
export const visible = (id = view.channel) => (view.state.messages[id] || []).filter((message) => !view.dismissed.has(message.ts));
export const inChannel = (id = view.channel) => visible(id).filter((message) => !isReply(message) || message.subtype === "thread_broadcast");
export const inThread = (ts) => visible().filter((message) => message.ts === ts || message.thread_ts === ts);
export const whispersIn = (ts) => inThread(ts).filter((message) => message._ephemeral_to && message.ts !== ts).length;

// --- what was read -----------------------------------------------------------------------------------------------------

const newest = (id) => (inChannel(id).at(-1) || { ts: "" }).ts;
export const markRead = (id) => view.read.set(`${view.actor}/${id}`, newest(id));
export const isUnread = (id) => newest(id) > (view.read.get(`${view.actor}/${id}`) || "");
