// What the pages do beyond HTML. Every page works without it: times are then in UTC, and copying is done by hand.
"use strict";

const STEPS = [
  ["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const short = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function inWords(then, now) {
  const seconds = (then - now) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return seconds > -10 && seconds < 10 ? "just now" : relative.format(Math.trunc(seconds), "second");
}

function tellTimes() {
  const now = Date.now();
  for (const time of document.querySelectorAll("time[datetime]")) {
    const then = new Date(time.dateTime);
    if (Number.isNaN(then.getTime())) continue;
    time.textContent = "exactly" in time.dataset ? short.format(then) : inWords(then, now);
    time.title = exact.format(then);
  }
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(source.textContent.trim());
  button.classList.add("copied");
  setTimeout(() => button.classList.remove("copied"), 1500);
}

tellTimes();
setInterval(tellTimes, 30000);

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}

for (const select of document.querySelectorAll("select[data-submit]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

// One box chooses all issues of the page. Without this, each is chosen by its own.
const all = document.querySelector("[data-all]");
if (all) {
  const box = all.querySelector("input");
  const picks = [...document.querySelectorAll(".pick")];
  const tell = () => {
    const chosen = picks.filter((pick) => pick.checked).length;
    box.checked = chosen === picks.length;
    box.indeterminate = chosen > 0 && chosen < picks.length;
  };
  all.hidden = false;
  box.addEventListener("change", () => { for (const pick of picks) pick.checked = box.checked; });
  for (const pick of picks) pick.addEventListener("change", tell);
  addEventListener("pageshow", tell);
}

// A date and time is typed as the reader's clock shows it, and sent with how far that clock is ahead of UTC.
const ahead = (text) => -new Date(text).getTimezoneOffset(); // minutes, at that time: summer time comes and goes
for (const field of document.querySelectorAll('input[type="datetime-local"]')) {
  const { offset } = field.form.elements;
  const zone = field.form.querySelector("[data-zone]");
  const utc = Date.parse(`${field.value}Z`) - Number(offset.value) * 60000;
  if (!Number.isNaN(utc)) {
    const local = utc - new Date(utc).getTimezoneOffset() * 60000;
    field.value = new Date(local).toISOString().slice(0, 16);
  }
  const tell = () => { offset.value = ahead(field.value || Date.now()); };
  field.addEventListener("input", tell);
  tell();
  zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
}

// A menu closes when the reader goes elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
