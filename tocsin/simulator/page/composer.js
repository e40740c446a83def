// The box in which the acting person writes. Enter sends; Shift and Enter begin a new line.
import { send } from "./actions.js";
import * as api from "./api.js";
import { view } from "./state.js";

// target() → {as, channel, thread_ts?}; sent() is called when the message is there.
export function composer(form, target, sent) {
  const box = form.querySelector("textarea");
  const refused = form.querySelector(".refused");
  const grow = () => {
    box.style.setProperty("height", "auto");
    box.style.setProperty("height", `${box.scrollHeight + 2}px`);
  };
  box.addEventListener("input", () => { refused.hidden = true; grow(); });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (!text) return;
    box.value = "";
    grow();
    try {
      await (text.startsWith("/") ? command({ ...target(), text }) : api.say({ ...target(), text }));
      await sent();
    } catch (error) {
      if (!box.value) box.value = text;
      refused.textContent = `Not sent: ${error.message}`;
      refused.hidden = false;
      grow();
    }
  });
}

// What begins with a slash is for an app; nobody else sees it.
async function command(line) {
  const [name] = line.text.split(/\s/);
  if (!view.state.app.commands.some((one) => one.command === name)) throw new Error(`${name} is not a command of an app here.`);
  const { error, reason } = await send({ ...line, do: "command" });
  if (error) throw new Error(`${error} ${reason}`);
}

export function setWritable(form, isWritable, placeholder) {
  for (const part of form.querySelectorAll("textarea, button")) part.disabled = !isWritable;
  form.querySelector("textarea").placeholder = placeholder;
}
