// The app's shortcuts: a menu by the composer, and one on each message that everybody sees.
import { send } from "./actions.js";
import { el } from "./dom.js";
import { trouble } from "./elements.js";
import { menu } from "./menu.js";
import { view } from "./state.js";

// form: the composer, which says what went wrong · slot: where in it the menu is
export function drawShortcuts(form, slot) {
  const mine = view.state.app.shortcuts.filter((one) => one.type === "global");
  const now = JSON.stringify(mine);
  if (slot.drawn === now) return; // an open menu stays open
  slot.drawn = now;
  const entries = mine.map((one) => ({ label: [one.name], choose: () => run(form, one) }));
  slot.replaceChildren(...(mine.length ? [menu({ label: "Shortcuts", key: "shortcuts", sign: "bolt", entries })] : []));
}

async function run(form, shortcut) {
  const refused = form.querySelector(".refused");
  refused.hidden = true;
  const { error, reason } = await send({ as: view.actor, do: "shortcut", callback_id: shortcut.callback_id });
  if (!error) return;
  refused.textContent = `${error} ${reason}`;
  refused.hidden = false;
}

// --- on messages -------------------------------------------------------------------------------------------------------

const PLACE = { block_id: "", action_id: "shortcut" };
const stateOf = (context) => context.stateOf(PLACE.block_id, PLACE.action_id);

export function messageShortcuts(message, context) {
  const mine = context.shortcuts();
  if (!mine.length || message._ephemeral_to || message.subtype === "tombstone") return null;
  const entries = mine.map((one) => ({ label: [one.name], choose: () => context.press({ ...PLACE, do: "message_shortcut", callback_id: one.callback_id }, {}) }));
  return menu({ label: "Message shortcuts", key: "shortcuts", isPending: Boolean(stateOf(context).pending), entries });
}

export function shortcutTrouble(message, context) {
  const state = stateOf(context);
  return state.error ? el("p", {}, trouble(state)) : null;
}
