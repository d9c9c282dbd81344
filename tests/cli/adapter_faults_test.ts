/** Whole commands on an adapter that rejects a kernel, a buffer or a command. */
import assert from "node:assert/strict";
import { at } from "../../core/lists.ts";
import { BASE, faulty, place, requireRecovered } from "./faulty.ts";
import { QUICK, thorough } from "../thorough.ts";

const STUDY = [...BASE, "--backend", "webgpu", "--steps", "4"];
const ON_GPU = ["ablate", ...STUDY, "--models", "mamba"], FIRST_STAGE = ["pretrain", ...STUDY, "--model", "mamba"];

for (
  const { name, fault, says, words = ON_GPU } of [
    { name: "a kernel that does not compile", fault: "shader orpo_loss_forward", says: /orpo_loss_forward/ },
    {
      name: "limits too small",
      fault: "limits 4096",
      // The first stage alone, because this case belongs to the quick tests.
      words: FIRST_STAGE,
      says: /expected: +at most 4096 bytes\n +got: +\d+ bytes\n +try:/,
    },
    {
      name: "no memory left",
      fault: "memory ORPO mamba",
      says:
        /plan ORPO mamba: the adapter has no memory left\n +expected: room for \d+ bytes, in buffers of at most \d+\n +got: +out of memory\n +try:/,
    },
    {
      name: "an invalid command",
      fault: "invalid ORPO mamba",
      says: /plan ORPO mamba: the adapter refused it\n +got:/,
    },
  ]
) {
  thorough(`WebGPU, ${name}: exit code 1 and a message; without the fault the same call ends normally`, async () => {
    const out = at(fault.split(" "), 0), { code, error } = await faulty(fault, [...words, "--out", out]);
    assert.equal(code, 1, error);
    assert.match(error, says);
    assert.doesNotMatch(error, /internal error/);
    if (!QUICK) return await requireRecovered(words, out);
    // Without the second run, which the result is compared with: a software adapter takes long for it.
    const again = await faulty("none", [...words, "--out", out]);
    assert.equal(again.code, 0, again.error);
  }, { unless: fault.startsWith("limits") });
}

globalThis.addEventListener("unload", () => Deno.removeSync(place.folder, { recursive: true }));
