// Make the `node.*` events of this folder anew. In an empty folder: `npm install @sentry/node`, then
// `NODE_PATH=$PWD/node_modules node <here>/generate.mjs`. Each really happens, under the real Node SDK.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(join(process.env.NODE_PATH, "x.js"));
const Sentry = require("@sentry/node");
const HERE = dirname(fileURLToPath(import.meta.url));
const DROPPED = ["modules", "contexts", "server_name", "threads", "extra", "sdkProcessingMetadata"]; // the last is never sent

const TYPE_ERROR = "function priceOf(basket) {\n  return basket.line.price;\n}\nmodule.exports = () => priceOf({});\n";
const CAUSED = `function ask(order) {
  throw new RangeError("bank closed the connection for order " + order);
}
function pay(order) {
  try {
    ask(order);
  } catch (cause) {
    throw new Error("order " + order + " was not paid", { cause });
  }
}
module.exports = () => pay(globalThis.ORDER);
`;
const LATE = `async function fetchStock() {
  await null;
  throw new Error("the supplier did not answer");
}
module.exports = () => fetchStock();
`;
const DEEP = `function walk(depth) {
  if (depth === 0) throw new Error("the tree has no end");
  walk(depth - 1);
}
module.exports = () => walk(globalThis.DEPTH);
`;

const OVERFLOW = `function ping(depth) {
  return pong(depth + 1);
}
function pong(depth) {
  return ping(depth + 1);
}
module.exports = () => START(0);
`;
const AGGREGATE = `const price = async () => { throw new Error("no price"); };
const stock = async () => { throw new TypeError("no stock"); };
module.exports = () => Promise.any(globalThis.ORDER.map((name) => ({ price, stock })[name]()));
`;
const LIBRARY = `const { price } = require("pricelist");
function total(basket) {
  return basket.map((sku) => price(sku)).length;
}
module.exports = () => total(["mug"]);
`;
const PRICELIST = "exports.price = function price(sku) {\n  throw new RangeError(`no price of ${sku}`);\n};\n";
const PRICELIST_UPGRADED =
  "// 2.0.0\nfunction lookUp(sku) {\n  throw new RangeError(`no price of ${sku}`);\n}\nexports.price = (sku) => lookUp(sku);\n";
const CALLBACK = `module.exports = () => [{}].map((line) => line.mug.price);
`;
const METHOD = `class Basket {
  total() {
    return this.lines.length;
  }
}
module.exports = () => new Basket().total();
`;
const THROWN = "module.exports = () => { throw globalThis.WHAT; };\n";

// name → [file, source, names in capitals, the library installed beside it]
const RAISE = {
  "node.type.first": ["checkout", TYPE_ERROR, {}],
  "node.type.moved_down": ["checkout", "\n".repeat(20) + TYPE_ERROR, {}],
  "node.type.other_file": ["invoice", TYPE_ERROR, {}],
  "node.type.renamed": ["checkout", TYPE_ERROR.replaceAll("priceOf", "costOf"), {}],
  "node.caused.1": ["payment", CAUSED, { ORDER: 1 }],
  "node.caused.4711": ["payment", CAUSED, { ORDER: 4711 }],
  "node.late.first": ["stock", LATE, {}],
  "node.late.moved_down": ["stock", "\n\n\n" + LATE, {}],
  "node.deep.3": ["tree", DEEP, { DEPTH: 3 }],
  "node.deep.7": ["tree", DEEP, { DEPTH: 7 }],
  "node.caused.other_cause": ["payment", CAUSED.replace("RangeError", "TypeError"), { ORDER: 1 }],
  "node.overflow.ping": ["echo", OVERFLOW.replace("START", "ping"), {}],
  "node.overflow.moved_down": ["echo", "\n\n" + OVERFLOW.replace("START", "ping"), {}],
  "node.aggregate.price_first": ["supplier", AGGREGATE, { ORDER: ["price", "stock"] }],
  "node.aggregate.stock_first": ["supplier", AGGREGATE, { ORDER: ["stock", "price"] }],
  "node.aggregate.only_stock": ["supplier", AGGREGATE, { ORDER: ["stock"] }],
  "node.library.first": ["prices", LIBRARY, {}, PRICELIST],
  "node.library.upgraded": ["prices", LIBRARY, {}, PRICELIST_UPGRADED],
  "node.callback.first": ["weights", CALLBACK, {}],
  "node.callback.moved_down": ["weights", "\n\n\n" + CALLBACK, {}],
  "node.callback.other_line": ["weights", CALLBACK.replace("mug", "pot"), {}],
  "node.method.first": ["basket", METHOD, {}],
  "node.method.other_class": ["basket", METHOD.replaceAll("Basket", "Cart"), {}],
  "node.thrown.text_1": ["odd", THROWN, { WHAT: "order 1 is odd" }],
  "node.thrown.text_2": ["odd", THROWN, { WHAT: "order 22 is odd" }],
  "node.thrown.object": ["odd", THROWN, { WHAT: { code: 7, reason: "odd" } }],
};
const SAY = { "node.message.1": "basket 1 expired", "node.message.22": "basket 22 expired", "node.message.other": "basket 1 was lost" };
const PARAMETERISED = {
  "node.template.bob": () => Sentry.parameterize`${"bob"} may not enter`,
  "node.template.eve": () => Sentry.parameterize`${"eve"} may not enter`,
  "node.template.other": () => Sentry.parameterize`${"bob"} may not leave`,
};

let caught;
Sentry.init({
  dsn: "http://0123456789abcdef0123456789abcdef@localhost/1",
  release: "shop@1.4.2",
  environment: "production",
  transport: () => ({ send: async () => ({}), flush: async () => true }),
  beforeSend: (event) => {
    caught = event;
    return null;
  },
});

async function happen(name, what, root) {
  caught = undefined;
  try {
    await what();
  } catch (error) {
    Sentry.captureException(error);
  }
  await Sentry.flush(1000);
  for (const key of DROPPED) delete caught[key];
  // So that making it again changes nothing but what an SDK sends differently.
  caught.event_id = createHash("md5").update(name).digest("hex");
  caught.timestamp = 1772366400.5;
  for (const value of caught.exception?.values ?? []) {
    // Only the program's own frames tell one error from another; the others name this machine.
    if (value.stacktrace) value.stacktrace.frames = value.stacktrace.frames.filter((frame) => (frame.filename ?? "").startsWith(root));
  }
  const written = JSON.stringify(caught, null, 1).replaceAll(root, "/srv/shop");
  writeFileSync(join(HERE, `${name}.json`), `${written}\n`);
}

for (const [name, [file, source, names, library]] of Object.entries(RAISE)) {
  const root = mkdtempSync(join(tmpdir(), "shop-"));
  mkdirSync(join(root, "shop"));
  writeFileSync(join(root, "shop", `${file}.js`), source);
  if (library) {
    mkdirSync(join(root, "node_modules", "pricelist"), { recursive: true });
    writeFileSync(join(root, "node_modules", "pricelist", "index.js"), library);
  }
  Object.assign(globalThis, names);
  await happen(name, require(join(root, "shop", `${file}.js`)), root);
  rmSync(root, { recursive: true });
}
for (const [name, message] of Object.entries(SAY)) {
  await happen(name, async () => void Sentry.captureMessage(message), "/nowhere");
}
for (const [name, message] of Object.entries(PARAMETERISED)) {
  await happen(name, async () => void Sentry.captureMessage(message()), "/nowhere");
}
