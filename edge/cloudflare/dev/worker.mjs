// Runs a built Worker in workerd, by Miniflare, with a Workers KV namespace that is filled through the paths of
// Cloudflare's REST API. For development and tests.
//
// One JSON argument:
//   worker        folder of index.js and index_bg.wasm, or of a single index.js
//   node_modules  folder that holds the package miniflare, or the folder above it
//   port          where visitors connect, 127.0.0.1; 0 takes a free one
//   kv_port       where the KV API listens, 127.0.0.1; 0 takes a free one; no KV namespace at all when absent
//   kv_wait_ms    how long the Worker waits for each value, as in a data centre that does not have it yet; 0 when absent
//   upstream      the origin behind the route: what the runtime asks when the Worker passes a request through
//   bindings      variables of the Worker
//   persist       folder that keeps the namespace; in memory when absent
//
// Prints one JSON line with both ports when both listen. Ends, and workerd with it, when standard input does.

import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const NAMESPACE = "KERF_CONFIG";
const STORE = "KERF_STORE";
const VALUES = /^\/client\/v4\/accounts\/[^/]+\/storage\/kv\/namespaces\/[^/]+\/values\/(.+)$/;
const LARGEST_VALUE = 25 * 1024 * 1024;

// A namespace whose reads wait.
const SLOW_KV = `export default ({ STORE, WAIT }) => {
  const late = (name) => (...args) => new Promise((go) => setTimeout(go, WAIT)).then(() => STORE[name](...args));
  return { get: late("get"), getWithMetadata: late("getWithMetadata"), list: late("list"),
    put: (...args) => STORE.put(...args), delete: (...args) => STORE.delete(...args) };
};`;

const options = JSON.parse(process.argv[2] ?? "{}");
for (const name of ["worker", "node_modules", "port", "upstream"]) {
  if (options[name] === undefined) fail(`the argument lacks "${name}"; the head of this file lists what it takes`);
}

const require = createRequire(join(resolve(options.node_modules), "node_modules", "x"));
const { Miniflare } = require("miniflare");

const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: options.port,
  upstream: options.upstream,
  cf: false,
  kvPersist: options.persist ?? false,
  workers: [
    {
      name: "kerf-edge",
      modulesRoot: resolve(options.worker),
      modules: modules(resolve(options.worker)),
      compatibilityDate: "2026-07-01",
      bindings: options.bindings ?? {},
      ...namespaces(),
    },
    ...slowNamespace(),
  ],
});
const port = Number((await miniflare.ready).port);

let kv;
if (options.kv_port !== undefined) {
  const namespace = await miniflare.getKVNamespace(options.kv_wait_ms === undefined ? NAMESPACE : STORE);
  kv = createServer((request, response) => {
    values(namespace, request, response).catch((error) => answer(response, 500, failure(10000, String(error))));
  });
  await new Promise((listening) => kv.listen(options.kv_port, "127.0.0.1", listening));
}
console.log(JSON.stringify({ ready: true, port, kv_port: kv?.address().port ?? null }));

process.stdin.resume();
for (const event of ["end", "close"]) process.stdin.on(event, stop);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, stop);

let stopping = false;
async function stop() {
  if (stopping) return;
  stopping = true;
  kv?.close();
  kv?.closeAllConnections();
  await miniflare.dispose();
  // No process.exit: Miniflare still deletes its temporary folder.
  process.stdin.destroy();
}

/** The Worker's KV: the namespace, or one that waits in front of it. */
function namespaces() {
  if (options.kv_port === undefined) return {};
  if (options.kv_wait_ms === undefined) return { kvNamespaces: { [NAMESPACE]: NAMESPACE } };
  return { kvNamespaces: { [STORE]: NAMESPACE }, wrappedBindings: { [NAMESPACE]: { scriptName: "slow-kv" } } };
}

/** The worker that waits in front of the namespace. */
function slowNamespace() {
  if (options.kv_wait_ms === undefined) return [];
  const bindings = { WAIT: options.kv_wait_ms };
  return [{ name: "slow-kv", modules: true, script: SLOW_KV, bindings, kvNamespaces: { STORE: NAMESPACE } }];
}

/** The modules of a build, named as the entry point imports them. */
function modules(folder) {
  const entry = { type: "ESModule", path: join(folder, "index.js") };
  const wasm = join(folder, "index_bg.wasm");
  return existsSync(wasm) ? [entry, { type: "CompiledWasm", path: wasm }] : [entry];
}

/** Reads, writes and deletes one value, in the manner of Cloudflare's API. */
async function values(namespace, request, response) {
  const path = VALUES.exec(new URL(request.url, "http://localhost").pathname);
  if (path === null) return answer(response, 404, failure(7003, "no such route"));
  const key = decodeURIComponent(path[1]);
  if (request.method === "GET") {
    const value = await namespace.get(key, "arrayBuffer");
    if (value === null) return answer(response, 404, failure(10009, "get: 'key not found'"));
    response.writeHead(200, { "content-type": "application/octet-stream" });
    return response.end(Buffer.from(value));
  }
  if (request.method === "PUT") {
    const chunks = [];
    let size = 0;
    for await (const chunk of request) {
      size += chunk.length;
      if (size > LARGEST_VALUE) return answer(response, 413, failure(10006, "the value is larger than 25 MiB"));
      chunks.push(chunk);
    }
    await namespace.put(key, Buffer.concat(chunks));
    return answer(response, 200, { success: true, errors: [], messages: [], result: null });
  }
  if (request.method === "DELETE") {
    await namespace.delete(key);
    return answer(response, 200, { success: true, errors: [], messages: [], result: null });
  }
  return answer(response, 405, failure(10405, "method not allowed"));
}

function failure(code, message) {
  return { success: false, errors: [{ code, message }], messages: [], result: null };
}

function answer(response, status, body) {
  if (response.headersSent) return response.destroy();
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function fail(message) {
  console.error(`worker.mjs: ${message}`);
  process.exit(2);
}
