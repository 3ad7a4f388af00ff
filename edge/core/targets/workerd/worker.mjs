// A Worker around the module of kerf-core-wasm.

import module from "core.wasm";

const instantiate = () => new WebAssembly.Instance(module, {}).exports;
const core = instantiate();
// Fresh instances with a bundle in their memory, which have not decided yet.
let fresh = [];

function input(exports, bytes) {
  const place = exports.input(bytes.length);
  // Asking for room may have moved the memory, so the view is made afterwards.
  new Uint8Array(exports.memory.buffer, place, bytes.length).set(bytes);
}

function output(exports) {
  const place = exports.output();
  return new Uint8Array(exports.memory.buffer, place, exports.output_len()).slice();
}

const paths = {
  // Nothing: what asking alone takes.
  empty: () => "",
  decide_vectors(_, body) {
    input(core, body);
    core.decide_vectors();
    return output(core);
  },
  prepare_workloads() {
    core.prepare_workloads();
    return output(core);
  },
  // Runs a workload so many times; answers with the number of decisions.
  run_workload: ([index, times]) => String(core.run_workload(Number(index), Number(times))),
  // Makes so many fresh instances, each with a bundle in its memory.
  instances([count]) {
    core.large_bundle();
    const bundle = output(core);
    fresh = Array.from({ length: Number(count) }, instantiate);
    for (const exports of fresh) input(exports, bundle);
    return "";
  },
  // The first decision of each of them, or any further one.
  first_decisions: () => fresh.reduce((sum, exports) => sum + exports.first_decision(), 0).toString(),
};

export default {
  async fetch(request) {
    const [, name, ...parameters] = new URL(request.url).pathname.split("/");
    return new Response(paths[name](parameters, new Uint8Array(await request.arrayBuffer())));
  },
};
