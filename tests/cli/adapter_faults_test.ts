/** An adapter that refuses what a whole command asks of it. */
import assert from "node:assert/strict";
import { BASE, faulty, place, requireMended } from "./faulty.ts";

const ON_GPU = ["ablate", ...BASE, "--backend", "webgpu", "--models", "mamba", "--steps", "4"];

for (
  const { name, fault, says } of [
    { name: "a kernel that does not compile", fault: "shader orpo_loss_forward", says: /orpo_loss_forward/ },
    {
      name: "limits too small",
      fault: "limits 4096",
      says: /expected: +at most 4096 bytes\n +got: +\d+ bytes\n +try:/,
    },
    {
      name: "no memory left",
      fault: "memory ORPO mamba",
      says:
        /plan ORPO mamba: the adapter has no memory left\n +expected: room for \d+ bytes, in buffers of at most \d+\n +got: +out of memory\n +try:/,
    },
    {
      name: "a command that WebGPU refuses",
      fault: "invalid ORPO mamba",
      says: /plan ORPO mamba: the adapter refused it\n +got:/,
    },
  ]
) {
  Deno.test(`WebGPU, ${name}: exit code 1 and words; afterwards the same call ends as undisturbed`, async () => {
    const out = fault.split(" ")[0]!, { code, error } = await faulty(fault, [...ON_GPU, "--out", out]);
    assert.equal(code, 1, error);
    assert.match(error, says);
    assert.doesNotMatch(error, /internal fault/);
    await requireMended(ON_GPU, out);
  });
}

globalThis.addEventListener("unload", () => Deno.removeSync(place.folder, { recursive: true }));
