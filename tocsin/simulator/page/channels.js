// The list of conversations: channels, direct messages, and what is archived.
import { avatar } from "./avatars.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { channelName, isUnread, view } from "./state.js";

const SECTIONS = [
  ["Channels", (one) => !one.is_im && !one.is_archived],
  ["Direct messages", (one) => one.is_im],
  ["Archived", (one) => !one.is_im && one.is_archived],
];
const SIGNS = { private: "private channel", archived: "archived" };

export function kind(one) {
  if (one.is_im) return "direct";
  if (one.is_archived) return "archived";
  return one.is_private ? "private" : "public";
}

export const sign = (one) => icon(kind(one));

export function renderChannels() {
  return SECTIONS.flatMap(([name, belongs]) => {
    const mine = view.state.channels.filter(belongs);
    return mine.length ? [el("h2", {}, name), el("ul", {}, ...mine.map((one) => el("li", {}, entry(one))))] : [];
  });
}

function entry(one) {
  const unread = isUnread(one.id);
  const isOpen = one.id === view.channel;
  const words = [SIGNS[kind(one)], unread ? "unread" : ""].filter(Boolean).join(", ");
  return el(
    "a",
    { href: `#${one.id}`, class: unread ? "unread" : null, "aria-current": isOpen ? "page" : null, "data-key": one.id, "data-channel": one.id },
    one.is_im ? avatar(channelName(one.id), one.user === view.actor, "small") : sign(one),
    el("span", { class: "name" }, channelName(one.id)),
    words ? el("span", { class: "hidden" }, `, ${words}`) : null,
  );
}
