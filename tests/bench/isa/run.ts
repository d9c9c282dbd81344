/**
 * Compiles the kernels with a real GPU compiler, without a GPU: `deno run -A tests/bench/isa/run.ts [--out FILE] [--chip NAME …]
 * [--kernel TEXT]`. Writes the statistics of every kernel of `paper` on four AMD chips to results/bench/isa.json (docs/kernels.md
 * explains them) and prints one line per kernel. `--listing FOLDER` also writes the machine code. It needs mesa-vulkan-drivers of
 * Debian's bookworm-backports (25.0, for RADV_FORCE_FAMILY). Without them it prints the reason and ends with exit code 0. Kernels of
 * tensor cores need HYMBA_MESA too (tests/tensor_cores/mesa.sh); without it their committed figures stay.
 */
import { parseArgs } from "node:util";
import { CHIPS } from "./model.ts";
import { isOfTensorCores, missing, type Survey, survey } from "./survey.ts";

const RESULT = new URL("../../../results/bench/isa.json", import.meta.url);
const { values } = parseArgs({
  options: {
    out: { type: "string" },
    chip: { type: "string", multiple: true },
    kernel: { type: "string" },
    listing: { type: "string" },
  },
});

function print({ kernels, estimates }: Survey): void {
  for (const { kernel, chips } of kernels.filter((one) => one.kernel.includes(values.kernel ?? ""))) {
    for (const [chip, { vgprs, spilled, scratch_bytes, lds_bytes, waves, hot_loop }] of Object.entries(chips)) {
      const loop = hot_loop ? `, hot loop ${hot_loop.multiply_adds} multiply-adds of ${hot_loop.instructions}` : "";
      const trouble = spilled + scratch_bytes > 0 ? `, ${spilled} spilled, ${scratch_bytes} bytes of scratch` : "";
      console.log(`${chip} ${vgprs} VGPRs, ${waves} waves, LDS ${lds_bytes}${trouble}${loop}: ${kernel}`);
    }
  }
  for (const { arm, stage, precision, chip, microseconds, kernels } of estimates) {
    console.log(`${chip} ${arm} ${stage} ${precision}: ${(microseconds / 1000).toFixed(2)} ms (a model)`);
    const shown = Object.entries(kernels).filter(([name]) => values.kernel && name.includes(values.kernel));
    for (const [name, one] of shown) {
      console.log(`  ${name}: ${one.launches} launches, ${one.microseconds.toFixed(0)} µs`);
    }
  }
}

/** The survey, and the committed figures of tensor cores where it has none. */
async function withCommitted(found: Survey): Promise<Survey> {
  if (found.kernels.some(({ kernel }) => isOfTensorCores(kernel))) return found;
  const { kernels, estimates } = JSON.parse(await Deno.readTextFile(RESULT)) as Survey;
  return {
    ...found,
    kernels: [...found.kernels, ...kernels.filter(({ kernel }) => isOfTensorCores(kernel))],
    estimates: [...found.estimates, ...estimates.filter(({ precision }) => precision.includes("tensor cores"))],
  };
}

const reason = await missing();
if (reason) {
  console.log(`not surveyed: ${reason}`);
} else {
  const found = await survey({ chips: values.chip ?? Object.keys(CHIPS), listing: values.listing });
  print(found);
  if (!values.chip || values.out) {
    const whole = await withCommitted(found);
    await Deno.writeTextFile(values.out ?? RESULT, JSON.stringify(whole) + "\n");
  }
}
Deno.exit(0);
