// Blocks → nodes, one function a type. `context` knows names, and what happens when somebody uses something.
import { el } from "./dom.js";
import { element, image } from "./elements.js";
import { textObject } from "./mrkdwn.js";

const BLOCKS = {
  section: (block, context) =>
    el(
      "div",
      { class: "section" },
      el(
        "div",
        { class: "text" },
        ...textObject(block.text, context),
        block.fields ? el("div", { class: "fields" }, ...block.fields.map((field) => el("div", {}, ...textObject(field, context)))) : null,
      ),
      block.accessory ? el("div", { class: "accessory" }, element(block.accessory, block, context)) : null,
    ),
  header: (block, context) => el("h3", {}, ...textObject(block.text, context)),
  context: (block, context) => el("div", { class: "context" }, ...block.elements.map((part) => contextPart(part, context))),
  actions: (block, context) => el("div", { class: "actions" }, ...block.elements.map((part) => element(part, block, context))),
  divider: () => el("hr"),
  image: (block, context) => el("figure", {}, block.title ? el("figcaption", {}, ...textObject(block.title, context)) : null, image(block)),
};

export function blocks(list, context) {
  return (list || []).map((block) => {
    const draw = BLOCKS[block.type];
    return draw ? draw(block, context) : el("p", { class: "unknown" }, `[${block.type}]`);
  });
}

const contextPart = (part, context) => (part.type === "image" ? image(part) : el("span", {}, ...textObject(part, context)));
