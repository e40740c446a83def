// Slack's markup → nodes. Only what stands in <…> is special; entities become characters last.
import { el } from "./dom.js";
import { emoji } from "./emoji.js";

export const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

// --- whole texts: code blocks and quotations stand on lines of their own -----------------------------------------------

export function mrkdwn(text, context) {
  return text.split(/```([\s\S]+?)```/).flatMap((part, index) => (index % 2 ? [codeBlock(part)] : paragraphs(part, index > 0, context)));
}

const codeBlock = (text) => el("pre", {}, unescape(text.replace(/^\n/, "").replace(/\n$/, "")));

function paragraphs(text, followsCode, context) {
  const rest = followsCode ? text.replace(/^\n/, "") : text;
  return rest.split(/((?:^&gt;[^\n]*(?:\n|$))+)/m).flatMap((part, index) => {
    if (!part) return [];
    return index % 2 ? [el("blockquote", {}, ...inline(part.replace(/^&gt; ?/gm, "").replace(/\n$/, ""), context))] : inline(part, context);
  });
}

// --- within a line -----------------------------------------------------------------------------------------------------

// Marks format what they touch: a space, also one of no width, between mark and text breaks them. What stands in <…> is one
// character to them.
const marked = (mark, tag) => [
  new RegExp(`(?<![\\p{L}\\p{N}${mark}])[${mark}](?=[^\\s\\u200b])((?:<[^<>]*>|[^${mark}\\n<])*(?:<[^<>]*>|[^${mark}\\s\\u200b<]))[${mark}](?![\\p{L}\\p{N}${mark}])`, "gu"),
  (match, context) => el(tag, {}, ...inline(match[1], context)),
];
const PIECES = [
  [/`(?=[^`\n]*[^`\s\u200b])([^`\n]+)`/g, (match) => el("code", {}, unescape(match[1]))],
  [/<([^<>]+)>/g, (match, context) => reference(match[1], context)],
  [/:([a-z0-9_+'-]+):/g, (match) => emoji(match[1])],
  marked("*", "strong"),
  marked("_", "em"),
  marked("~", "s"),
];

export function inline(text, context) {
  const found = PIECES.map(() => undefined); // the next match of each: looked for again only when it was passed
  const made = [];
  let from = 0;
  for (;;) {
    const first = next(text, from, found);
    if (first < 0) return [...made, ...lines(text.slice(from))];
    const match = found[first];
    made.push(...lines(text.slice(from, match.index)), PIECES[first][1](match, context));
    from = match.index + match[0].length;
  }
}

function next(text, from, found) {
  let first = -1;
  PIECES.forEach(([pattern], index) => {
    if (found[index] === undefined || (found[index] && found[index].index < from)) {
      pattern.lastIndex = from;
      found[index] = pattern.exec(text);
    }
    if (found[index] && (first < 0 || found[index].index < found[first].index)) first = index;
  });
  return first;
}

function lines(text) {
  const parts = unescape(text).split("\n");
  return parts.flatMap((part, index) => (index ? [el("br"), part] : [part])).filter((part) => part !== "");
}

// --- <https://…|label> · <@U…> · <#C…|name> · <!here> · <!date^…> ------------------------------------------------------

function reference(inner, context) {
  const bar = inner.indexOf("|");
  const [target, label] = bar < 0 ? [inner, ""] : [inner.slice(0, bar), inner.slice(bar + 1)];
  if (target.startsWith("@")) return chip(`@${context.userName(target.slice(1))}`);
  if (target.startsWith("#")) return chip(`#${unescape(label) || context.channelName(target.slice(1))}`);
  if (target.startsWith("!date^")) return moment(target, label);
  if (target.startsWith("!subteam^")) return chip(unescape(label) || "@group");
  if (target.startsWith("!")) return el("span", { class: "mention loud" }, `@${target.slice(1)}`);
  if (/^(https?:\/\/|mailto:)/.test(target)) return link(target, label ? inline(label, context) : [unescape(target)]);
  return document.createTextNode(unescape(`<${inner}>`));
}

const link = (target, children) => el("a", { href: unescape(target), target: "_blank", rel: "noreferrer" }, ...children);
const chip = (text) => el("span", { class: "mention" }, text);

// --- dates -------------------------------------------------------------------------------------------------------------

const date = (when, how) => when.toLocaleDateString(undefined, { year: "numeric", day: "numeric", ...how });
const pad = (number) => String(number).padStart(2, "0");
const TOKENS = {
  date_num: (when) => `${when.getFullYear()}-${pad(when.getMonth() + 1)}-${pad(when.getDate())}`,
  date: (when) => date(when, { month: "long" }),
  date_short: (when) => date(when, { month: "short" }),
  date_long: (when) => date(when, { month: "long", weekday: "long" }),
  date_pretty: (when) => near(when) || date(when, { month: "long" }),
  date_short_pretty: (when) => near(when) || date(when, { month: "short" }),
  date_long_pretty: (when) => near(when) || date(when, { month: "long", weekday: "long" }),
  time: clock,
  time_secs: (when) => when.toLocaleTimeString(),
  ago: (when) => ago((Date.now() - when) / 1000),
};
const SPANS = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];

export function clock(when) {
  return when.toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit" });
}

// "today", "yesterday", "tomorrow", or nothing.
export function near(when) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(when).setHours(0, 0, 0, 0)) / 86400000);
  return { 0: "today", 1: "yesterday", "-1": "tomorrow" }[days] || "";
}

function ago(seconds) {
  const [length, unit] = SPANS.find(([one]) => Math.abs(seconds) >= one) || SPANS[3];
  return new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(-Math.round(seconds / length), unit);
}

function moment(target, fallback) {
  const [, seconds, form, address] = target.split("^");
  const when = new Date(Number(seconds) * 1000);
  if (Number.isNaN(when.getTime()) || !form) return document.createTextNode(unescape(fallback));
  const text = unescape(form).replace(/\{(\w+)\}/g, (all, token) => (TOKENS[token] ? TOKENS[token](when) : all));
  const shown = el("time", { datetime: when.toISOString(), title: unescape(fallback) }, text);
  return address && /^https?:\/\//.test(address) ? link(address, [shown]) : shown;
}

// --- text objects ------------------------------------------------------------------------------------------------------

// plain_text knows nothing but emoji.
export function plain(text) {
  return text.split(/(:[a-z0-9_+'-]+:)/).flatMap((part, index) => (index % 2 ? [emoji(part.slice(1, -1))] : lines(part)));
}

export function textObject(object, context) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(object.text, context) : plain(object.text);
}
