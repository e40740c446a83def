// People are their initial, on the colour that belongs to that letter; apps carry a bell.
import { el } from "./dom.js";
import { icon } from "./icons.js";

const TONES = 7;

export function avatar(name, isApp, size = "") {
  const initial = [...name].slice(0, 1).join("").toUpperCase();
  return el("span", { class: `avatar ${size} ${isApp ? "app-tone" : `tone${(initial.codePointAt(0) || 0) % TONES}`}`, "aria-hidden": "true" }, isApp ? icon("bell") : initial);
}
