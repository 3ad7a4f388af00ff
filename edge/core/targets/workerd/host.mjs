// Runs the module of kerf-core-wasm in workerd, by Miniflare, for the tests and the benchmark of kerf-core-targets.
//
// One JSON argument: "module" is the path of the module, "node_modules" the folder above the packages of npm.
// Each line of standard input is a JSON request {"path", "file"?, "save"?}: the path is asked of the Worker, with the file as
// the body; the answer's body goes into "save", or as text into the line that is printed: {"ns", "text"?}. "ns" is the time
// from asking to the end of the answer. Ends when standard input does.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const options = JSON.parse(process.argv[2]);
const { Miniflare } = createRequire(join(options.node_modules, "node_modules", "x"))("miniflare");

const miniflare = new Miniflare({
  cf: false,
  compatibilityDate: "2026-07-01",
  modules: [
    { type: "ESModule", path: "worker.mjs", contents: readFileSync(join(dirname(fileURLToPath(import.meta.url)), "worker.mjs")) },
    { type: "CompiledWasm", path: "core.wasm", contents: readFileSync(options.module) },
  ],
});
await miniflare.ready;
console.log(JSON.stringify({ ready: true }));

for await (const line of createInterface({ input: process.stdin })) {
  const { path, file, save } = JSON.parse(line);
  const body = file === undefined ? undefined : readFileSync(file);
  const start = process.hrtime.bigint();
  const response = await miniflare.dispatchFetch(`http://core/${path}`, { method: "POST", body });
  const bytes = Buffer.from(await response.arrayBuffer());
  const ns = Number(process.hrtime.bigint() - start);
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${bytes}`);
  if (save === undefined) console.log(JSON.stringify({ ns, text: bytes.toString() }));
  else {
    writeFileSync(save, bytes);
    console.log(JSON.stringify({ ns }));
  }
}
await miniflare.dispose();
