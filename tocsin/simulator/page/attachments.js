// Attachments, which older messages are made of: a coloured bar, a title, text, fields, buttons, a footer.
import { el, svg } from "./dom.js";
import { blocks } from "./blocks.js";
import { image, trouble } from "./elements.js";
import { clock, inline, mrkdwn, near, plain, unescape } from "./mrkdwn.js";
import { search } from "./search.js";

const COLORS = { good: "#3aa655", warning: "#f2b82a", danger: "#d7342c" };

export function attachment(part, context) {
  const inside = [...content(part, context), ...blocks(part.blocks, within(part, context))];
  const added = part.is_app_unfurl ? el("div", { class: "context" }, el("span", {}, `Added by ${context.appName()}`)) : null;
  return el("div", { class: "attachment" }, bar(part.color || ""), el("div", { class: "inside" }, ...inside, added));
}

// Blocks in several attachments may be called the same: what is used in one says which that was.
function within(part, context) {
  const placed = (where) => ({ ...where, attachment_id: part.id });
  return {
    ...context,
    stateOf: (block, action) => context.stateOf(`in ${part.id} ${block}`, action),
    press: (where, used) => context.press(placed(where), used),
    suggest: (where) => context.suggest(placed(where)),
  };
}

function bar(name) {
  const color = COLORS[name] || (/^#?[0-9a-f]{6}$/i.test(name) ? `#${name.replace("#", "")}` : "#b8b8c4");
  return svg("svg", { class: "stripe", preserveAspectRatio: "none", viewBox: "0 0 4 4", "aria-hidden": "true" }, svg("rect", { width: 4, height: 4, fill: color }));
}

function content(part, context) {
  const formatted = (name, text) => ((part.mrkdwn_in || []).includes(name) ? mrkdwn(text, context) : links(text, context));
  return [
    part.pretext ? el("div", { class: "text" }, ...formatted("pretext", part.pretext)) : null,
    part.author_name ? el("div", { class: "author" }, ...titled(part.author_name, part.author_link)) : null,
    part.title ? el("div", { class: "title" }, ...titled(part.title, part.title_link)) : null,
    part.text ? el("div", { class: "text" }, ...formatted("text", part.text)) : null,
    part.fields && part.fields.length ? el("div", { class: "fields" }, ...part.fields.map((field) => fieldOf(field, formatted))) : null,
    part.image_url ? image({ image_url: part.image_url, alt_text: part.fallback || "picture" }) : null,
    part.actions && part.actions.length ? el("div", { class: "actions" }, ...part.actions.map((one) => action(one, part.id, context))) : null,
    part.footer || part.ts ? el("div", { class: "context" }, ...footer(part)) : null,
  ].filter(Boolean);
}

const titled = (text, address) => (address ? [el("a", { href: unescape(address), target: "_blank", rel: "noreferrer" }, ...plain(text))] : plain(text));

function fieldOf(field, formatted) {
  return el("div", { class: field.short ? null : "wide" }, el("strong", {}, ...plain(field.title || "")), el("br"), ...formatted("fields", String(field.value ?? "")));
}

function footer(part) {
  const when = part.ts ? new Date(Number(part.ts) * 1000) : null;
  const day = when && (near(when) || when.toLocaleDateString());
  return [part.footer ? el("span", {}, ...plain(part.footer)) : null, when ? el("time", { datetime: when.toISOString() }, `${day} at ${clock(when)}`) : null].filter(Boolean);
}

// Without mrkdwn_in, marks are characters; <…> means something all the same.
function links(text, context) {
  return text.split(/(<[^<>]+>)/).flatMap((piece, index) => (index % 2 ? inline(piece, context) : plain(piece)));
}

// --- buttons and menus -------------------------------------------------------------------------------------------------

const ACTIONS = { button, select };
const MENUS = {
  static: (part, number, context) => selectFrom(part, number, context, part.options || part.option_groups || []),
  users: (part, number, context) => selectFrom(part, number, context, context.people().map(option)),
  channels: (part, number, context) => selectFrom(part, number, context, context.channels().map(option)),
  conversations: (part, number, context) => selectFrom(part, number, context, context.channels().map(option)),
  external: searched,
};

const option = ({ id, name }) => ({ value: id, text: name });
const where = (part, number, more = {}) => ({ attachment: number, action: part.id, ...more });
const key = (part, number) => `attachment ${number}/${part.id}`;
// What is asked before an action is sent, as blocks would have it.
const asBlock = (part) => (part.confirm ? { ...part, confirm: { title: { text: part.confirm.title || "Are you sure?" }, text: { type: "plain_text", text: part.confirm.text }, confirm: { text: part.confirm.ok_text || "Okay" }, deny: { text: part.confirm.dismiss_text || "Cancel" } } } : part);

function action(part, number, context) {
  const state = context.stateOf(`attachment ${number}`, part.id);
  const made = ACTIONS[part.type](part, number, context, state);
  return state.error ? el("span", { class: "failed" }, made, trouble(state)) : made;
}

function button(part, number, context, { pending }) {
  const common = { class: `button ${part.style || ""}${pending ? " pending" : ""}`, "data-key": key(part, number), "aria-busy": pending ? "true" : null };
  const label = el("span", {}, ...plain(part.text));
  if (part.url) return el("a", { ...common, href: unescape(part.url), target: "_blank", rel: "noreferrer" }, label);
  return el("button", { ...common, type: "button", onclick: () => context.press(where(part, number), asBlock(part)) }, label);
}

function select(part, number, context) {
  return MENUS[part.data_source || "static"](part, number, context);
}

function selectFrom(part, number, context, entries) {
  const { pending, chosen } = context.stateOf(`attachment ${number}`, part.id);
  const current = chosen ?? part.selected_options?.[0]?.value;
  const item = (entry) => el("option", { value: entry.value, selected: entry.value === current }, unescape(entry.text));
  const made = el(
    "select",
    { class: `choice${pending ? " pending" : ""}`, "aria-label": unescape(part.text), "data-key": key(part, number), "aria-busy": pending ? "true" : null },
    el("option", { value: "", disabled: true, selected: current === undefined }, unescape(part.text)),
    ...entries.map((entry) => (entry.options ? el("optgroup", { label: unescape(entry.text) }, ...entry.options.map(item)) : item(entry))),
  );
  made.addEventListener("change", () => context.press(where(part, number, { selected: made.value }), asBlock(part)));
  return made;
}

// Entries of old have a plain text, groups of them a text where blocks have a label: shown as the others are.
function searched(part, number, context) {
  const { pending, chosen } = context.stateOf(`attachment ${number}`, part.id);
  const asEntry = (one) => ({ value: one.value, text: { text: one.text } });
  const asGroup = (one) => ({ label: { text: one.text }, options: one.options.map(asEntry) });
  return search({
    label: unescape(part.text),
    key: key(part, number),
    isPending: Boolean(pending),
    chosen: chosen ? asEntry(chosen) : part.selected_options && asEntry(part.selected_options[0]),
    least: part.min_query_length ?? 1,
    ask: async (value) => {
      const answer = await context.suggest(where(part, number, { value }));
      return { options: (answer.options || []).map(asEntry), ...(answer.option_groups ? { option_groups: answer.option_groups.map(asGroup) } : {}) };
    },
    choose: (entry) => context.press(where(part, number, { selected: entry.value }), { ...asBlock(part), chosen: { value: entry.value, text: entry.text.text } }),
  });
}
