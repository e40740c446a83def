// A menu whose entries the app is asked for: a button that opens a field to type in and the entries found.
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { unescape } from "./mrkdwn.js";

const PAUSE = 200; // milliseconds after the last letter

// label: shown while nothing is chosen · chosen: an option · least: letters before the app is asked ·
// ask(typed) → the app's answer, or throws · choose(option)
export function search({ label, key, isPending, chosen, least, ask, choose }) {
  const field = el("input", { type: "search", class: "choice", "aria-label": `Search: ${label}`, autocomplete: "off", autofocus: true });
  const found = el("div", { class: "found", role: "group", "aria-label": "Entries" });
  const list = el("div", { class: "menu search", popover: "auto" }, field, found);
  const text = chosen ? unescape(chosen.text.text) : label;
  const opener = el("button", { type: "button", class: `button search${isPending ? " pending" : ""}`, "aria-label": chosen ? `${label}: ${text}` : label, "aria-haspopup": "dialog", "aria-busy": isPending ? "true" : null, "data-key": key }, el("span", {}, text), icon("down"));
  opener.popoverTargetElement = list;

  let asked = 0;
  async function look() {
    if (!list.matches(":popover-open")) return; // chosen or closed before the pause was over
    const mine = (asked += 1);
    if (field.value.length < least) return say(`Type ${least - field.value.length} more.`);
    let answer;
    try {
      answer = await ask(field.value);
    } catch (error) {
      answer = null;
    }
    if (mine !== asked) return;
    if (!answer) return say("The app gave no entries.");
    const groups = answer.option_groups || [{ options: answer.options || [] }];
    found.replaceChildren(...groups.flatMap(group));
    if (!found.firstChild) say("Nothing found.");
  }
  const say = (words) => found.replaceChildren(el("p", { class: "none", role: "status" }, words));
  const group = (one) => [one.label && one.options.length ? el("p", { class: "group" }, unescape(one.label.text)) : null, ...one.options.map(entry)].filter(Boolean);
  const entry = (option) => el("button", { type: "button", onclick: () => { list.hidePopover(); choose(option); } }, unescape(option.text.text));

  let waiting = 0;
  field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(look, PAUSE); });
  list.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    place(list, opener);
    look();
  });
  list.addEventListener("keydown", (event) => walk(event, field, [...found.querySelectorAll("button")]));
  return el("span", { class: "overflow" }, opener, list);
}

function place(list, opener) {
  const at = opener.getBoundingClientRect();
  const isBelow = at.bottom + 260 < innerHeight || at.top < 260;
  list.style.setProperty("left", `${Math.max(8, Math.min(at.left, innerWidth - list.offsetWidth - 8))}px`);
  list.style.setProperty(isBelow ? "top" : "bottom", `${isBelow ? at.bottom + 4 : innerHeight - at.top + 4}px`);
}

// Arrow keys walk from the field through the entries; Enter in the field takes the first.
function walk(event, field, entries) {
  const stops = [field, ...entries];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    stops[(stops.indexOf(document.activeElement) + step + stops.length) % stops.length].focus();
  } else if (event.key === "Enter" && document.activeElement === field && entries.length) {
    event.preventDefault();
    entries[0].click();
  }
}
