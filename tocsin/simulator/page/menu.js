// A button that opens a list of actions. Escape and a press elsewhere close it; arrow keys walk in it.
import { el } from "./dom.js";
import { icon } from "./icons.js";

// entries: [{label: nodes, url?, choose()}] · sign: the icon of the button
export function menu({ label, key, isPending, entries, sign = "more" }) {
  const list = el("div", { class: "menu", role: "menu", popover: "auto", "aria-label": label }, ...entries.map((entry) => item(entry, () => list.hidePopover())));
  list.firstElementChild?.toggleAttribute("autofocus", true); // focused as the menu opens: the next key is already the menu's
  const opener = el("button", { type: "button", class: `button more${isPending ? " pending" : ""}`, "aria-label": label, "aria-haspopup": "menu", "aria-busy": isPending ? "true" : null, "data-key": key }, icon(sign));
  opener.popoverTargetElement = list;
  list.addEventListener("toggle", (event) => event.newState === "open" && place(list, opener));
  list.addEventListener("keydown", (event) => walk(event, [...list.children]));
  return el("span", { class: "overflow" }, opener, list);
}

function item({ label, url, choose }, close) {
  const act = () => { close(); choose(); };
  return url
    ? el("a", { role: "menuitem", href: url, target: "_blank", rel: "noreferrer", onclick: act }, ...label)
    : el("button", { type: "button", role: "menuitem", onclick: act }, ...label);
}

// Below the button, or above it where there is no room; never beyond the edge of the window.
function place(list, opener) {
  const at = opener.getBoundingClientRect();
  const isBelow = at.bottom + list.offsetHeight + 8 < innerHeight;
  list.style.setProperty("left", `${Math.max(8, Math.min(at.left, innerWidth - list.offsetWidth - 8))}px`);
  list.style.setProperty("top", `${isBelow ? at.bottom + 4 : at.top - list.offsetHeight - 4}px`);
  addEventListener("scroll", () => list.hidePopover(), { once: true, capture: true });
}

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

function walk(event, items) {
  const step = STEPS[event.key];
  if (!step) return;
  event.preventDefault();
  items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
}
