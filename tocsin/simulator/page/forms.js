// What modals and dialogs of old share: text that is told while it is typed, and drawing anew under the eyes of who types.

const PAUSE = 300; // milliseconds after the last letter

// Tells `choose` what stands in a field: a moment after the last letter, or when the field is left.
export function tellTyped(field, choose) {
  let waiting = 0;
  let sent = field.value;
  const send = () => {
    clearTimeout(waiting);
    if (field.isConnected && field.value !== sent) choose((sent = field.value)); // a form that is gone hears nothing
  };
  field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(send, PAUSE); });
  field.addEventListener("change", send);
}

// Escape closes; what was typed last is told before.
export function closeOnEscape(dialog, close) {
  dialog.oncancel = (event) => { event.preventDefault(); document.activeElement.blur(); close(); };
}

// Another form in its place; the focus, and the place in a text, stay where they were.
export function replaceForm(dialog, form) {
  const focused = dialog.contains(document.activeElement) ? document.activeElement : null;
  const before = focused && { key: focused.dataset.key, at: focused.selectionStart };
  dialog.replaceChildren(form);
  const again = before && before.key && [...dialog.querySelectorAll("[data-key]")].find((one) => one.dataset.key === before.key);
  if (!again) return;
  again.focus();
  if (before.at !== null && before.at !== undefined && again.setSelectionRange) again.setSelectionRange(before.at, before.at);
}
