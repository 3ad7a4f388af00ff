// Runs the module of kerf-core-wasm in V8 itself, as Node has it, for the benchmark of kerf-core-targets: the compiler is that of
// workerd, and there is a clock that runs while it works.
//
// One JSON argument: "module" is the path of the module.
// Each line of standard input is a JSON request: {"run", "milliseconds"} runs the workload of that place for so long and prints
// {"ns"}, the least time of a decision among the passes; {"first"} makes so many fresh instances with the large bundle in their
// memory and prints {"ns", "sum"}, the median time of their first decision and the sum of the decisions. Ends when standard
// input does.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const module = new WebAssembly.Module(readFileSync(JSON.parse(process.argv[2]).module));
const instantiate = () => new WebAssembly.Instance(module, {}).exports;
const core = instantiate();
core.prepare_workloads();
const names = Buffer.from(core.memory.buffer, core.output(), core.output_len()).toString();

/** What a call returns, and how many nanoseconds it took. */
function timed(call) {
  const start = process.hrtime.bigint();
  const result = call();
  return [result, Number(process.hrtime.bigint() - start)];
}

function run(index, milliseconds) {
  const end = performance.now() + milliseconds;
  let least = Infinity;
  do {
    const [decisions, ns] = timed(() => core.run_workload(index, 1));
    least = Math.min(least, ns / decisions);
  } while (performance.now() < end);
  return { ns: least };
}

function first(count) {
  core.large_bundle();
  const bundle = new Uint8Array(core.memory.buffer, core.output(), core.output_len()).slice();
  const times = [];
  let sum = 0;
  for (let instance = 0; instance < count; instance++) {
    const fresh = instantiate();
    const place = fresh.input(bundle.length);
    new Uint8Array(fresh.memory.buffer, place, bundle.length).set(bundle);
    const [decision, ns] = timed(() => fresh.first_decision());
    sum += decision;
    times.push(ns);
  }
  return { ns: times.sort((a, b) => a - b)[count >> 1], sum };
}

console.log(JSON.stringify({ names }));
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const answer = request.run === undefined ? first(request.first) : run(request.run, request.milliseconds);
  console.log(JSON.stringify(answer));
}
