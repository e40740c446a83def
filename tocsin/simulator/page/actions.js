// Using an element of a message: ask first where the app wants it, send the click, and tell what went wrong.
import * as api from "./api.js";
import { textObject, unescape } from "./mrkdwn.js";
import { appName, view } from "./state.js";

const PATIENCE = 3000; // milliseconds: after these Slack tells the person that the app did not answer

const keyOf = (ts, block, action) => [view.actor, ts, block, action].join("|");
export const usedIn = (ts) => [...view.used].filter(([key]) => key.startsWith(`${view.actor}|${ts}|`));
export const stateOf = (ts, block, action) => view.used.get(keyOf(ts, block, action)) || {};

// Of an element in a block, or of an action in an attachment.
const placed = (where) => (where.attachment ? [`attachment ${where.attachment}`, where.action] : [`${where.attachment_id ? `in ${where.attachment_id} ` : ""}${where.block_id}`, where.action_id]);

// where: {block_id, action_id, selected?} or {attachment, action, selected?}. `changed` is called whenever there is something new to draw.
export async function press(message, where, part, context, changed) {
  const key = keyOf(message.ts, ...placed(where));
  if ((view.used.get(key) || {}).pending) return;
  if (part.confirm && !(await confirmed(part.confirm, context))) return changed();
  forgetErrors(message.ts);
  const kept = where.selected !== undefined && part.type !== "overflow" ? { chosen: part.chosen ?? where.selected } : {};
  view.used.set(key, { ...kept, pending: true });
  changed();
  const late = setTimeout(() => {
    view.used.set(key, { ...kept, pending: true, error: `${appName()} takes too long to answer.`, reason: "Slack waits three seconds." });
    changed();
  }, PATIENCE);
  const outcome = await send({ as: view.actor, channel: view.channel, ts: message.ts, ...where });
  clearTimeout(late);
  // A menu in an attachment shows what the message says; one in a block keeps what was chosen.
  view.used.set(key, { ...(where.attachment ? {} : kept), ...outcome });
  changed();
}

// {} when all is well, else what the person reads, and the judge's reason.
export async function send(click) {
  try {
    const { judgement, status, seconds } = await api.click(click);
    return judgement.ok ? {} : { error: words(status, seconds), reason: judgement.faults.join("; ") };
  } catch (error) {
    return { error: "The click was not sent.", reason: error.message };
  }
}

function words(status, seconds) {
  if (!status) return `${appName()} did not answer.`;
  if (status !== 200) return `${appName()} answered with status ${status}.`;
  return seconds * 1000 >= PATIENCE ? `${appName()} took too long to answer.` : `${appName()} gave an answer that Slack does not take.`;
}

function forgetErrors(ts) {
  for (const [key, state] of usedIn(ts)) if (state.error && !state.pending) view.used.set(key, state.chosen === undefined ? {} : { chosen: state.chosen });
}

// --- confirmation ------------------------------------------------------------------------------------------------------

function confirmed(confirm, context) {
  const dialog = document.getElementById("confirm");
  const [no, yes] = dialog.querySelectorAll("button");
  dialog.querySelector("h2").textContent = unescape(confirm.title.text);
  dialog.querySelector("p").replaceChildren(...textObject(confirm.text, context));
  no.textContent = unescape(confirm.deny.text);
  yes.textContent = unescape(confirm.confirm.text);
  yes.className = `button ${confirm.style || "primary"}`;
  dialog.returnValue = ""; // Escape means no, whatever was answered the time before
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}
