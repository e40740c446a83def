// Attachments, which older messages are made of: a coloured bar, a title, text, fields, buttons, a footer.
import { el, svg } from "./dom.js";
import { blocks } from "./blocks.js";
import { image } from "./elements.js";
import { clock, inline, mrkdwn, near, plain, unescape } from "./mrkdwn.js";

const COLORS = { good: "#3aa655", warning: "#f2b82a", danger: "#d7342c" };

export function attachment(part, context) {
  return el("div", { class: "attachment" }, bar(part.color || ""), el("div", { class: "inside" }, ...content(part, context), ...blocks(part.blocks, context)));
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
    part.actions && part.actions.length ? el("div", { class: "actions" }, ...part.actions.map(action)) : null,
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

// Drawn, but nothing is sent: the simulator sends clicks on blocks only, so far.
const UNSENT = { disabled: true, title: "The simulator does not send clicks on attachments' buttons yet" };

function action(part) {
  const label = plain(part.text);
  if (part.url) return el("a", { class: `button ${part.style || ""}`, href: unescape(part.url), target: "_blank", rel: "noreferrer" }, ...label);
  return part.type === "select"
    ? el("select", { ...UNSENT, class: "choice", "aria-label": unescape(part.text) }, el("option", {}, unescape(part.text)))
    : el("button", { ...UNSENT, type: "button", class: `button ${part.style || ""}` }, ...label);
}
