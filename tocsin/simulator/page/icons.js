// The page's own signs, in the colour of the text around them.
import { svg } from "./dom.js";

const LINE = { fill: "none", stroke: "currentColor", "stroke-width": 1.8, "stroke-linecap": "round", "stroke-linejoin": "round" };
const line = (d) => svg("path", { ...LINE, d });

const DRAWN = {
  public: () => [line("M8 3 6.5 17M13.5 3 12 17M3.5 7.5h13.5M3 12.5h13.5")],
  private: () => [svg("rect", { x: 4, y: 9, width: 12, height: 8, rx: 2, fill: "currentColor" }), line("M6.5 9V6.5a3.5 3.5 0 0 1 7 0V9")],
  archived: () => [line("M3 4h14v3.5H3zM4.2 7.5V16h11.6V7.5M8 11h4")],
  direct: () => [line("M4 4.5h12v8.5H9.5L6 16v-3H4z")],
  menu: () => [line("M3.5 5.5h13M3.5 10h13M3.5 14.5h13")],
  down: () => [line("M5 8l5 5 5-5")],
  close: () => [line("M5 5l10 10M15 5 5 15")],
  bolt: () => [svg("path", { fill: "currentColor", d: "M11.5 2 4 11.5h4.6L7.5 18 16 8h-5z" })],
  more: () => [4.5, 10, 15.5].map((cx) => svg("circle", { cx, cy: 10, r: 1.6, fill: "currentColor" })),
  eye: () => [line("M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5z"), svg("circle", { cx: 10, cy: 10, r: 2.2, fill: "currentColor" })],
  thread: () => [line("M4 4v5a4 4 0 0 0 4 4h8M12.5 9.5 16 13l-3.5 3.5")],
  alarm: () => [svg("path", { fill: "currentColor", d: "M10 2 19 17.5H1zM9.1 7.5v5h1.8v-5zM9.1 13.8v1.8h1.8v-1.8z", "fill-rule": "evenodd" })],
  bell: () => [
    svg("path", { fill: "currentColor", d: "M10 3c-3 0-4.6 2.3-4.6 5 0 3.2-1.2 4.1-1.8 5.2h12.8c-.6-1.1-1.8-2-1.8-5.2 0-2.7-1.6-5-4.6-5z" }),
    svg("circle", { cx: 10, cy: 15.6, r: 1.7, fill: "currentColor" }),
  ],
};

export function icon(name) {
  return svg("svg", { viewBox: "0 0 20 20", class: "sign", "aria-hidden": "true" }, ...DRAWN[name]());
}
