// The dialog of old in front of the acting person: drawn from what the simulator knows, and told what they do.
import { el } from "./dom.js";
import { closeOnEscape, replaceForm, tellTyped } from "./forms.js";
import { icon } from "./icons.js";
import { search } from "./search.js";

let shown = "";

// dialog: what is open, or null · act(body) → does something in it and loads anew, act.ask(body) → what the app lists ·
// lists: {people, channels, conversations}, each [{id, name}]
export function drawDialog(box, dialog, act, lists) {
  if (!dialog) {
    shown = "";
    if (box.open) box.close();
    return;
  }
  const now = JSON.stringify([dialog.id, dialog.errors, dialog.trouble, dialog.labels]);
  if (now !== shown) rebuild(box, dialog, act, lists);
  shown = now;
  if (!box.open) box.showModal();
}

function rebuild(box, dialog, act, lists) {
  const cancel = () => act({ do: "cancel" });
  const form = el(
    "form",
    { class: "modal", novalidate: true },
    el("header", {}, el("h2", { id: "dialog-title" }, dialog.title), el("button", { type: "button", class: "icon", "aria-label": "Close", onclick: cancel }, icon("close"))),
    dialog.trouble ? el("p", { class: "trouble", role: "alert" }, icon("alarm"), el("span", {}, dialog.trouble)) : null,
    el("div", { class: "fields" }, ...dialog.elements.map((element) => field(element, dialog, act, lists))),
    el(
      "menu",
      {},
      el("button", { type: "button", class: "button", onclick: cancel }, "Cancel"),
      el("button", { type: "submit", class: "button primary", "data-key": "submit" }, dialog.submit_label),
    ),
  );
  form.addEventListener("submit", (event) => { event.preventDefault(); act({ do: "submit" }); });
  closeOnEscape(box, cancel);
  replaceForm(box, form);
}

// --- elements ----------------------------------------------------------------------------------------------------------

function field(element, dialog, act, lists) {
  const error = dialog.errors[element.name];
  const id = `element-${dialog.elements.indexOf(element)}`;
  const common = { id, "data-key": element.name, "aria-invalid": error ? "true" : null, "aria-describedby": error ? `${id}-error` : null };
  const choose = (selected) => act({ do: "choose", name: element.name, selected });
  choose.ask = (value) => act.ask({ name: element.name, value }).then(entries);
  const made = ELEMENTS[kind(element)](element, dialog, common, choose, lists);
  return el(
    "div",
    { class: "field" },
    el("label", { for: id }, element.label, element.optional ? el("span", { class: "hint" }, " (optional)") : null),
    made,
    error ? el("p", { class: "wrong", id: `${id}-error`, role: "alert" }, error) : null,
    element.hint ? el("p", { class: "hint" }, element.hint) : null,
  );
}

const kind = (element) => (element.type === "select" ? element.data_source || "static" : element.type);
const MODES = { email: "email", number: "decimal", tel: "tel", url: "url" };

function typed(name) {
  return (element, dialog, common, choose) => {
    const made = el(name, { ...common, class: "choice", autocomplete: "off", placeholder: element.placeholder, inputmode: MODES[element.subtype] });
    made.value = dialog.values[element.name] || "";
    tellTyped(made, choose);
    return made;
  };
}

// groups: [{label?, options: [{label, value}]}]
function select(groups) {
  return (element, dialog, common, choose, lists) => {
    const current = dialog.values[element.name];
    const item = (one) => el("option", { value: one.value, selected: one.value === current }, one.label);
    const all = groups(element, lists).flatMap((one) => (one.label ? [el("optgroup", { label: one.label }, ...one.options.map(item))] : one.options.map(item)));
    const made = el("select", { ...common, class: "choice" }, el("option", { value: "", selected: !current }, element.placeholder || "Choose…"), ...all);
    made.addEventListener("change", () => choose(made.value));
    return made;
  };
}

const named = (all) => [{ options: all.map(({ id, name }) => ({ value: id, label: name })) }];

const ELEMENTS = {
  text: typed("input"),
  textarea: typed("textarea"),
  static: select((element) => element.option_groups || [{ options: element.options }]),
  users: select((element, lists) => named(lists.people)),
  channels: select((element, lists) => named(lists.channels)),
  conversations: select((element, lists) => named(lists.conversations)),
  external: (element, dialog, common, choose) =>
    search({
      label: element.placeholder || "Choose…",
      key: element.name,
      chosen: dialog.values[element.name] && modern({ label: dialog.labels[element.name] || dialog.values[element.name] }),
      least: element.min_query_length ?? 1,
      ask: choose.ask,
      choose: ({ text, value }) => choose({ label: text.shown, value }),
    }),
};

// --- entries that the app lists ------------------------------------------------------------------------------------------

// In the form that search() knows, where texts are entities.
const words = (text) => ({ text: text.replaceAll("&", "&amp;"), shown: text });
const modern = ({ label, value }) => ({ text: words(label), value });
const entries = ({ options, option_groups: groups }) =>
  groups ? { option_groups: groups.map((one) => ({ label: words(one.label), options: one.options.map(modern) })) } : { options: options.map(modern) };
