// The control API of the simulator.

export class Unanswered extends Error {}

async function ask(path, options) {
  let answer, body;
  try {
    answer = await fetch(path, options);
    body = await answer.json();
  } catch (error) {
    throw new Unanswered("the simulator does not answer", { cause: error });
  }
  if (!answer.ok) throw new Error(body.error || `the simulator answered ${answer.status}`);
  return body;
}

function send(path, body) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

export const state = (actor) => ask(`/control/state?as=${encodeURIComponent(actor)}`);
export const changes = (since) => ask(`/control/changes?since=${since}`);
export const click = (body) => send("/control/click", body);

// What the app lists for what was typed into one of its menus.
export async function suggest(body) {
  const { body: answered, judgement } = await click({ do: "suggest", ...body });
  if (!judgement.ok) throw new Error(judgement.faults.join("; "));
  return JSON.parse(answered);
}
export const change = (what, body) => send(`/control/${what}`, body);
export const say = (body) => send("/control/post", body);
