// One message → one element. Pure: everything it needs to know is in the message and in `context`:
//   appName(), userName(id), channelName(id), nameOf(message), isApp(id) → who and where
//   people(), channels() → [{id, name}] for menus
//   stateOf(block_id, action_id) → {pending?, error?, reason?, chosen?}
//   press(where, element), dismiss(ts), openThread(ts) → what happens on use
//   shortcuts() → what the app has put into the menu of each message
//   isThread → drawn in the thread's pane · whispersIn(ts) → how many replies only this person sees
import { attachment } from "./attachments.js";
import { avatar } from "./avatars.js";
import { blocks } from "./blocks.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { clock, mrkdwn, near } from "./mrkdwn.js";
import { messageShortcuts, shortcutTrouble } from "./shortcuts.js";

export function renderMessage(message, context) {
  const isWhisper = Boolean(message._ephemeral_to);
  const name = context.nameOf(message);
  return el(
    "li",
    { class: `message${isWhisper ? " whisper" : ""}`, "data-ts": message.ts, "data-ephemeral": isWhisper ? "true" : null },
    avatar(name, Boolean(message.bot_id)),
    el("div", { class: "body" }, ...notes(message, context), head(message, name), ...content(message, context), shortcutTrouble(message, context), summary(message, context)),
    messageShortcuts(message, context),
  );
}

function notes(message, context) {
  return [
    message._ephemeral_to
      ? el("p", { class: "only" }, icon("eye"), "Only visible to you", el("button", { type: "button", class: "quiet", onclick: () => context.dismiss(message.ts) }, "Dismiss"))
      : null,
    message.subtype === "thread_broadcast" ? el("p", { class: "only" }, icon("thread"), context.isThread ? "also sent to the channel" : replied(message, context)) : null,
  ].filter(Boolean);
}

function replied(message, context) {
  return el("button", { type: "button", class: "quiet", onclick: () => context.openThread(message.thread_ts) }, "replied to a thread");
}

function head(message, name) {
  return el("p", { class: "head" }, el("strong", {}, name), message.bot_id ? el("span", { class: "badge" }, "app") : null, time(message.ts), message.edited ? el("span", { class: "edited" }, "(edited)") : null);
}

function time(ts) {
  const when = moment(ts);
  return el("time", { datetime: when.toISOString(), title: when.toLocaleString() }, clock(when));
}

export const moment = (ts) => new Date(Number(ts) * 1000);

function content(message, context) {
  if (message.subtype === "tombstone") return [el("p", { class: "gone" }, message.text)];
  const drawn = blocks(message.blocks, context);
  const text = drawn.length || !message.text ? null : el("div", { class: "text" }, ...mrkdwn(message.text, context));
  return [text, ...drawn, ...(message.attachments || []).map((part) => attachment(part, context))].filter(Boolean);
}

// "3 replies", with who wrote them; also when the only reply is one that nobody else sees.
function summary(message, context) {
  if (context.isThread) return null;
  const whispers = context.whispersIn(message.ts);
  const count = (message.reply_count || 0) + whispers;
  if (!count) return null;
  const when = message.latest_reply ? moment(message.latest_reply) : null;
  return el(
    "button",
    { type: "button", class: "replies", "data-key": "replies", onclick: () => context.openThread(message.ts) },
    ...(message.reply_users || []).slice(0, 4).map((id) => avatar(context.userName(id), context.isApp(id), "small")),
    el("span", {}, count === 1 ? "1 reply" : `${count} replies`),
    whispers ? el("span", { class: "soft" }, message.reply_count ? `${whispers} only visible to you` : "only visible to you") : null,
    when ? el("span", { class: "soft" }, `${near(when) || when.toLocaleDateString()} at ${clock(when)}`) : null,
  );
}
