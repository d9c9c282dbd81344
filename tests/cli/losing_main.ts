/**
 * The program with a GPU device that is lost. LOSE_AT lists for each process in turn the update at which its device is destroyed.
 * LOSE_COUNT is a file that counts the losses. When the list is used up, the device stays.
 */
import { WebgpuExecutor } from "../../core/webgpu/mod.ts";

const countFile = Deno.env.get("LOSE_COUNT") ?? "", lost = (await Deno.readTextFile(countFile)).length;
const after = (Deno.env.get("LOSE_AT") ?? "").split(",").map(Number)[lost];
const { prepare } = WebgpuExecutor.prototype;
let updates = 0;

WebgpuExecutor.prototype.prepare = async function (plan) {
  const program = await prepare.call(this, plan);
  if (!/^(training|ORPO)/.test(plan.name) || after === undefined) return program;
  const run = program.run.bind(program);
  program.run = () => {
    if (++updates === after) {
      Deno.writeTextFileSync(countFile, "x", { append: true });
      this.gpu.device.destroy();
    }
    return run();
  };
  return program;
};

await import("../../cli/main.ts");
