// The emoji that cards use, drawn. Any other is shown by its name.
import { el, svg } from "./dom.js";

const circle = (color, edge) => () => [svg("circle", { cx: 10, cy: 10, r: 8, fill: color, stroke: edge, "stroke-width": 1 })];
const shape = (fill, d) => svg("path", { fill, d });
const disc = (fill, cx, cy, r) => svg("circle", { cx, cy, r, fill });
const line = (stroke, width, d) => svg("path", { fill: "none", stroke, "stroke-width": width, "stroke-linecap": "round", "stroke-linejoin": "round", d });
const tile = (fill) => svg("rect", { x: 2, y: 2, width: 16, height: 16, rx: 4, fill });
const bell = () => [
  shape("#e0a526", "M10 2.5c-3.4 0-5.2 2.6-5.2 5.7 0 3.6-1.4 4.6-2 5.8h14.4c-.6-1.2-2-2.2-2-5.8 0-3.1-1.8-5.7-5.2-5.7z"),
  disc("#a97710", 10, 16.2, 2),
];

const DRAWN = {
  red_circle: circle("#d7342c", "#a8221c"),
  large_orange_circle: circle("#e8842c", "#b9620f"),
  large_yellow_circle: circle("#f2b82a", "#c48d0a"),
  large_green_circle: circle("#3aa655", "#257a3b"),
  large_blue_circle: circle("#3583d6", "#1f63ad"),
  large_purple_circle: circle("#8b5cc7", "#663d9c"),
  white_circle: circle("#f4f4f6", "#9a9aa6"),
  black_circle: circle("#33333d", "#7a7a86"),
  bug: () => [
    svg("ellipse", { cx: 10, cy: 12, rx: 4.6, ry: 5.8, fill: "#5b8c3e" }),
    disc("#3f6a28", 10, 5.4, 2.6),
    line("#3f6a28", 1.3, "M5.6 10 2.5 8.4M5.4 12.6H2M5.8 15l-3 2M14.4 10l3.1-1.6M14.6 12.6H18M14.2 15l3 2M10 7v11"),
  ],
  bell,
  no_bell: () => [...bell(), line("#b3261e", 2.2, "M3 3l14 14")],
  white_check_mark: () => [tile("#3aa655"), line("#fff", 2.4, "M6 10.5 9 13.5 14.5 7")],
  heavy_check_mark: () => [line("#3aa655", 3, "M4 10.5 8.5 15 16.5 5.5")],
  x: () => [line("#d7342c", 3, "M5 5l10 10M15 5 5 15")],
  warning: () => [shape("#f2b82a", "M10 2 19 18H1z"), line("#3b2f00", 1.8, "M10 8v4.4M10 15.2v.1")],
  information_source: () => [tile("#3583d6"), line("#fff", 2.2, "M10 9.2v5M10 5.9v.1")],
  question: () => [line("#d7342c", 2.6, "M6.5 7a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1-1.5 2.3M10 16.5v.1")],
  exclamation: () => [line("#d7342c", 3, "M10 3.5v8.5M10 16.3v.1")],
  rotating_light: () => [
    shape("#d7342c", "M5 14V9.5a5 5 0 0 1 10 0V14z"),
    shape("#5a5a66", "M3.5 14h13v3.5h-13z"),
    line("#f2b82a", 1.6, "M10 1v1.5M2 4l1.4 1M18 4l-1.4 1"),
  ],
  eyes: () => [6, 14].flatMap((cx) => [svg("ellipse", { cx, cy: 10, rx: 3.4, ry: 5.2, fill: "#fff", stroke: "#77777f", "stroke-width": 1 }), disc("#2b2b33", cx - 0.8, 10.6, 1.6)]),
  hourglass_flowing_sand: () => [shape("#cfd8e3", "M5 3h10v3l-4 4 4 4v3H5v-3l4-4-4-4z"), shape("#e0a526", "M6.5 6h7L10 9.6zM6 16.5h8L10 13z"), line("#8a6a3c", 1.6, "M4 2.5h12M4 17.5h12")],
  speech_balloon: () => [shape("#7aa7dc", "M3 3.5h14v9.5H9.5L6 17v-4H3z")],
  link: () => [line("#7a8594", 2.2, "M8.5 11.5 11.5 8.5M9.5 6.5l2-2a2.8 2.8 0 0 1 4 4l-2 2M10.5 13.5l-2 2a2.8 2.8 0 0 1-4-4l2-2")],
  lock: () => [line("#9a9aa6", 2, "M6.5 9V6.5a3.5 3.5 0 0 1 7 0V9"), svg("rect", { x: 4, y: 9, width: 12, height: 8.5, rx: 2, fill: "#e0a526" })],
  zap: () => [shape("#f2b82a", "M11.5 1.5 4 11.5h4.5L7.5 18.5 16 8h-5z")],
  fire: () => [shape("#e8642c", "M10 1.5c1 3.5 5.5 5.5 5.5 10.5a5.5 5.5 0 0 1-11 0c0-2 1-3.5 2-4.5.3 1.5 1 2 1.5 2.2C7.5 7 8.5 4 10 1.5z"), shape("#f7c948", "M10 10c.5 1.5 2.5 2.5 2.5 4.5a2.5 2.5 0 0 1-5 0c0-2 2-3 2.5-4.5z")],
  tada: () => [shape("#e0a526", "M2.5 17.5 7 7l6 6z"), line("#d7342c", 1.6, "M10.5 6.5c1-1.5.5-3-.5-4"), line("#3583d6", 1.6, "M13.5 9.5c1.5-1 3-.5 4 .5"), disc("#3aa655", 14.5, 5.5, 1.3)],
  chart_with_upwards_trend: () => [svg("rect", { x: 2, y: 2, width: 16, height: 16, rx: 2, fill: "#eef1f5", stroke: "#9aa5b4", "stroke-width": 1 }), line("#d7342c", 1.8, "M4.5 14.5 8.5 10l3 2.5 4-6.5")],
  bust_in_silhouette: () => [disc("#6c7686", 10, 6.8, 3.6), shape("#6c7686", "M3.5 17.5c0-4 3-6 6.5-6s6.5 2 6.5 6z")],
  mag: () => [line("#5a6473", 2.2, "M12.2 12.2 17 17"), svg("circle", { cx: 8.2, cy: 8.2, r: 5, fill: "#cfe0f5", stroke: "#5a6473", "stroke-width": 1.8 })],
};

export function emoji(name) {
  const draw = DRAWN[name];
  if (!draw) return document.createTextNode(`:${name}:`);
  const drawn = svg("svg", { viewBox: "0 0 20 20", class: "emoji", role: "img", "aria-label": name.replaceAll("_", " ") }, ...draw());
  return el("span", { class: "emoji-box" }, drawn);
}
