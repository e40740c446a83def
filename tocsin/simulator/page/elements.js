// What can be pressed or chosen in blocks, one function a type. `context.stateOf(block_id, action_id)` tells of each:
// `pending` (sent, not answered), `error` and `reason` (answered wrongly), `chosen` (what this person chose).
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { menu } from "./menu.js";
import { plain, unescape } from "./mrkdwn.js";
import { search } from "./search.js";

const ELEMENTS = {
  button,
  static_select: (part, block, context) => select(part, block, context, choices(part), part.initial_option && part.initial_option.value),
  users_select: (part, block, context) => select(part, block, context, context.people().map(option), part.initial_user),
  channels_select: (part, block, context) => select(part, block, context, context.channels().map(option), part.initial_channel),
  conversations_select: (part, block, context) => select(part, block, context, context.channels().map(option), part.initial_conversation),
  external_select: (part, block, context) => searched(part, block, context),
  overflow,
  image: (part) => image(part),
};

export function element(part, block, context) {
  const draw = ELEMENTS[part.type];
  if (!draw) return el("span", { class: "unknown" }, `[${part.type}]`);
  const state = context.stateOf(block.block_id, part.action_id);
  const made = draw(part, block, context);
  return state.error ? el("span", { class: "failed" }, made, trouble(state)) : made;
}

const key = (part, block) => `${block.block_id}/${part.action_id}`;
const where = (part, block, more = {}) => ({ block_id: block.block_id, action_id: part.action_id, ...more });

export function trouble(state) {
  return el("span", { class: "trouble", role: "alert", title: state.reason }, icon("alarm"), el("span", {}, state.error, el("small", {}, state.reason)));
}

function button(part, block, context) {
  const { pending } = context.stateOf(block.block_id, part.action_id);
  const common = {
    class: `button ${part.style || ""}${pending ? " pending" : ""}`,
    "data-key": key(part, block),
    "aria-label": part.accessibility_label,
    "aria-busy": pending ? "true" : null,
    onclick: () => context.press(where(part, block), part),
  };
  const label = el("span", {}, ...plain(part.text.text));
  if (!part.url) return el("button", { ...common, type: "button" }, label);
  return el("a", { ...common, href: unescape(part.url), target: "_blank", rel: "noreferrer", title: "Opens in a new tab" }, label);
}

// --- menus -------------------------------------------------------------------------------------------------------------

const option = ({ id, name }) => ({ value: id, text: { text: name } });
const choices = (part) => part.options || part.option_groups;

function select(part, block, context, entries, initial) {
  const { pending, chosen } = context.stateOf(block.block_id, part.action_id);
  const placeholder = part.placeholder ? unescape(part.placeholder.text) : "Choose…";
  const current = chosen ?? initial;
  const made = el(
    "select",
    { class: `choice${pending ? " pending" : ""}`, "aria-label": placeholder, "data-key": key(part, block), "aria-busy": pending ? "true" : null },
    el("option", { value: "", disabled: true, selected: current === undefined }, placeholder),
    ...entries.map((entry) => (entry.options ? el("optgroup", { label: unescape(entry.label.text) }, ...entry.options.map((one) => item(one, current))) : item(entry, current))),
  );
  made.addEventListener("change", () => context.press(where(part, block, { selected: made.value }), part));
  return made;
}

const item = (entry, current) => el("option", { value: entry.value, selected: entry.value === current }, unescape(entry.text.text));

function searched(part, block, context) {
  const { pending, chosen } = context.stateOf(block.block_id, part.action_id);
  return search({
    label: part.placeholder ? unescape(part.placeholder.text) : "Choose…",
    key: key(part, block),
    isPending: Boolean(pending),
    chosen: chosen ?? part.initial_option,
    least: part.min_query_length ?? 3,
    ask: (value) => context.suggest(where(part, block, { value })),
    choose: (selected) => context.press(where(part, block, { selected }), part),
  });
}

function overflow(part, block, context) {
  const { pending } = context.stateOf(block.block_id, part.action_id);
  const entries = part.options.map((one) => ({
    label: plain(one.text.text),
    url: one.url && unescape(one.url),
    choose: () => context.press(where(part, block, { selected: one.value }), part),
  }));
  return menu({ label: "More actions", key: key(part, block), isPending: Boolean(pending), entries });
}

// --- images ------------------------------------------------------------------------------------------------------------

// Nothing is loaded from elsewhere: such pictures show their alternative text.
export function image(part) {
  const address = part.image_url ? new URL(unescape(part.image_url), location.href) : null;
  if (address && address.origin === location.origin) return el("img", { src: address.href, alt: part.alt_text });
  return el("span", { class: "picture", role: "img", "aria-label": part.alt_text }, part.alt_text);
}
