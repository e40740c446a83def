// What Slack's owners decide, not the app: where it is installed, who the acting person is there, whose the channel is.
import * as api from "./api.js";
import { el } from "./dom.js";
import { channel, userName, view } from "./state.js";

const GRID = { id: "E0GRID", name: "Tocsin Group" };
const INSTALLED = { team: "a workspace", grid: "a workspace of a Grid", wide: "a whole Grid" };
const STANDINGS = { member: "a member", is_restricted: "a guest", is_stranger: "of another company" };

// changed() is called when something was decided; refused(error) when it could not be.
export function drawSituation(slot, changed, refused) {
  const one = channel();
  const person = view.state.users.find((each) => each.id === view.actor);
  const drawn = JSON.stringify([where(), person, one && [one.id, one.is_connect]]);
  if (slot.drawn === drawn) return; // what is open stays open
  slot.drawn = drawn;
  const decide = (work) => async (event) => {
    try {
      await work(event.target);
      changed();
    } catch (error) {
      refused(error);
    }
  };
  slot.replaceChildren(
    el("label", {}, el("span", {}, `${view.state.app.name} is installed in`), choice(INSTALLED, where(), decide(install))),
    person ? el("label", {}, el("span", {}, `${userName(person.id)} is`), choice(STANDINGS, standing(person), decide((box) => stand(person, box.value)))) : null,
    one && !one.is_im ? shared(one, decide((box) => api.change("channel", { channel: one.id, do: box.checked ? "share" : "unshare" }))) : null,
  );
}

function where() {
  if (!view.state.enterprise) return "team";
  return view.state.app.is_org_wide ? "wide" : "grid";
}

async function install(box) {
  await api.change("team", { enterprise: box.value === "team" ? null : GRID });
  if (box.value !== "team") await api.change("app", { is_org_wide: box.value === "wide" });
}

const standing = (person) => ["is_restricted", "is_stranger"].find((flag) => person[flag]) || "member";
const stand = (person, wanted) => api.change("user", { id: person.id, is_restricted: wanted === "is_restricted", is_stranger: wanted === "is_stranger" });

function choice(names, chosen, onchange) {
  const box = el("select", { onchange }, ...Object.entries(names).map(([value, name]) => el("option", { value }, name)));
  box.value = chosen;
  return box;
}

function shared(one, onchange) {
  const box = el("input", { type: "checkbox", onchange });
  box.checked = one.is_connect;
  return el("label", { class: "tick" }, box, el("span", {}, `#${one.name} is shared with another company`));
}
