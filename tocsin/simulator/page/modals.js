// The modal in front of the acting person: drawn from what the simulator knows, and told what they do.
import { blocks } from "./blocks.js";
import { el } from "./dom.js";
import { closeOnEscape, replaceForm, tellTyped } from "./forms.js";
import { icon } from "./icons.js";
import { unescape } from "./mrkdwn.js";
import { search } from "./search.js";

let shown = "";

// view: the top view or undefined · act(body) → does something in it and loads anew, act.ask(body) → what the app lists ·
// context: as for messages
export function drawModal(dialog, view, act, context) {
  if (!view) {
    shown = "";
    if (dialog.open) dialog.close();
    return;
  }
  const now = JSON.stringify([view.id, view.hash, view._errors || {}, view._trouble || ""]);
  if (now !== shown) rebuild(dialog, view, act, context);
  shown = now;
  if (!dialog.open) dialog.showModal();
}

function rebuild(dialog, view, act, context) {
  const close = () => act({ do: "close" });
  const form = el(
    "form",
    { class: "modal", novalidate: true },
    el("header", {}, el("h2", { id: "modal-title" }, unescape(view.title.text)), el("button", { type: "button", class: "icon", "aria-label": "Close", onclick: close }, icon("close"))),
    view._trouble ? el("p", { class: "trouble", role: "alert" }, icon("alarm"), el("span", {}, view._trouble)) : null,
    el("div", { class: "fields" }, ...view.blocks.flatMap((block) => (block.type === "input" ? [input(block, view, act)] : blocks([block], inView(context, view, act))))),
    el(
      "menu",
      {},
      el("button", { type: "button", class: "button", onclick: close }, view.close ? unescape(view.close.text) : "Cancel"),
      view.submit ? el("button", { type: "submit", class: "button primary", "data-key": "submit" }, unescape(view.submit.text)) : null,
    ),
  );
  form.addEventListener("submit", (event) => { event.preventDefault(); act({ do: "submit" }); });
  closeOnEscape(dialog, close);
  replaceForm(dialog, form);
}

const inView = (context, view, act) => ({ ...context, stateOf: () => ({}), press: (where) => act({ do: "choose", ...where }) });

// --- fields ------------------------------------------------------------------------------------------------------------

const held = (block, view) => ((view.state.values[block.block_id] || {})[block.element.action_id] || {});
const where = (block) => ({ block_id: block.block_id, action_id: block.element.action_id });
const keyOf = (block) => `${block.block_id}/${block.element.action_id}`;

function input(block, view, act) {
  const draw = FIELDS[block.element.type];
  const error = (view._errors || {})[block.block_id];
  const id = `field-${block.block_id}`;
  const common = { id, "data-key": keyOf(block), "aria-invalid": error ? "true" : null, "aria-describedby": error ? `${id}-error` : null };
  const choose = (selected) => act({ do: "choose", ...where(block), selected });
  choose.ask = (value) => act.ask({ ...where(block), value });
  const made = draw ? draw(block, held(block, view), common, choose) : el("span", { class: "unknown" }, `[${block.element.type}]`);
  const label = unescape(block.label.text);
  const notes = [
    error ? el("p", { class: "wrong", id: `${id}-error`, role: "alert" }, unescape(error)) : null,
    block.hint ? el("p", { class: "hint" }, unescape(block.hint.text)) : null,
  ];
  if (GROUPS.has(block.element.type)) return el("fieldset", { class: "field" }, el("legend", {}, label), made, ...notes);
  return el("div", { class: "field" }, el("label", { for: id }, label, block.optional ? el("span", { class: "hint" }, " (optional)") : null), made, ...notes);
}

function typed(block, state, common, choose, more) {
  const name = block.element.multiline ? "textarea" : "input";
  const made = el(name, { ...common, class: "choice", autocomplete: "off", maxlength: block.element.max_length, autofocus: block.element.focus_on_load || null, ...more });
  made.value = state.value || "";
  tellTyped(made, choose);
  return made;
}

function picked(kind, read, write) {
  return (block, state, common, choose) => {
    const made = el("input", { ...common, class: "choice", type: kind });
    made.value = read(state);
    made.addEventListener("change", () => choose(write(made.value)));
    return made;
  };
}

function boxes(kind) {
  return (block, state, common, choose) => {
    const chosen = kind === "radio" ? [state.selected_option] : state.selected_options || [];
    const values = chosen.filter(Boolean).map((one) => one.value);
    const all = block.element.options.map((one, index) => {
      const box = el("input", { type: kind, name: common.id, value: one.value, "data-key": `${common["data-key"]}/${index}` });
      box.checked = values.includes(one.value);
      return el("label", { class: "box" }, box, el("span", {}, unescape(one.text.text), one.description ? el("small", {}, unescape(one.description.text)) : null));
    });
    const made = el("div", {}, ...all);
    made.addEventListener("change", () => {
      const checked = [...made.querySelectorAll(":checked")].map((box) => box.value);
      choose(kind === "radio" ? checked[0] : checked);
    });
    return made;
  };
}

function select(block, state, common, choose) {
  const groups = block.element.option_groups || [{ options: block.element.options }];
  const current = state.selected_option && state.selected_option.value;
  const item = (one) => el("option", { value: one.value, selected: one.value === current }, unescape(one.text.text));
  const made = el(
    "select",
    { ...common, class: "choice" },
    el("option", { value: "", disabled: true, selected: !current }, "Choose…"),
    ...groups.flatMap((one) => (one.label ? [el("optgroup", { label: unescape(one.label.text) }, ...one.options.map(item))] : one.options.map(item))),
  );
  made.addEventListener("change", () => choose(made.value));
  return made;
}

const local = (seconds) => {
  if (!seconds) return "";
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
};

const GROUPS = new Set(["radio_buttons", "checkboxes"]);
const FIELDS = {
  plain_text_input: (block, state, common, choose) => typed(block, state, common, choose, {}),
  number_input: (block, state, common, choose) => typed(block, state, common, choose, { inputmode: "numeric" }),
  static_select: select,
  external_select: (block, state, common, choose) =>
    search({
      label: block.element.placeholder ? unescape(block.element.placeholder.text) : "Choose…",
      key: common["data-key"],
      chosen: state.selected_option,
      least: block.element.min_query_length ?? 3,
      ask: choose.ask,
      choose,
    }),
  radio_buttons: boxes("radio"),
  checkboxes: boxes("checkbox"),
  datepicker: picked("date", (state) => state.selected_date || "", (value) => value),
  timepicker: picked("time", (state) => state.selected_time || "", (value) => value),
  datetimepicker: picked("datetime-local", (state) => local(state.selected_date_time), (value) => Math.floor(new Date(value).getTime() / 1000)),
};
