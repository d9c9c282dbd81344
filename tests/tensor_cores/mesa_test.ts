/** The tests of tensor cores, the golden cases and short trainings, on a software adapter that has them. */
import { strict as assert } from "node:assert";
import { thorough } from "../thorough.ts";
import { mesaFolder, onMesa } from "./mesa.ts";

const FILES = ["tests/ops/tensor_cores_test.ts", "tests/proof/golden_test.ts", "tests/tensor_cores/training_test.ts"];

thorough("tensor cores of Mesa's lavapipe: products, golden cases, trainings", async () => {
  const folder = await mesaFolder();
  if (!folder) return;
  const flags = ["-A", "--no-check", "--lock=tests/deno.lock", "--frozen"];
  const command = onMesa(folder, ["test", ...flags, "--filter", "tensor cores", ...FILES], { NO_COLOR: "1" });
  const { success, stdout, stderr } = await command.output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.ok(success, text);
  console.log(text.match(/^.*(?:on tensor cores|validation: f32).*$/gm)?.join("\n"));
  assert.doesNotMatch(text, /skipped: this adapter has no tensor cores/);
});
