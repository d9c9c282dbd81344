/** `hymba doctor`: the adapters of this machine, missing features, and commands that make it faster. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import { command, option } from "@optique/core/primitives";
import { diagnose, type Diagnosis } from "../../core/device/doctor.ts";
import type { Machine } from "../../core/device/machine.ts";
import { matrixShapeInWords } from "../../core/device/matrix_shapes.ts";
import { PACKAGES } from "../../core/system/packages.ts";
import { bytes } from "../ui/progress.ts";
import type { Action } from "../ui/run.ts";
import { table } from "../ui/table.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { PRECISIONS, usualPrecision } from "../../core/config/mod.ts";
import { say } from "../ui/say.ts";
import { printJson } from "../ui/output.ts";

const licences = option("--licences", {
  description: message`list the npm packages that the program can load, with their licences, and inspect nothing`,
});

export const doctorCommand = command(
  "doctor",
  map(
    merge(backendOptions, object({ licences, json: jsonOption })),
    ({ adapter, licences, json }): Action => async () => {
      if (licences) return json ? printJson("doctor", { packages: PACKAGES }) : console.log(describePackages());
      const found = await diagnose({ adapter, onProgress: say });
      if (json) printJson("doctor", found);
      else console.log(describe(found));
      if (found.problem) Deno.exitCode = 1;
    },
  ),
  {
    brief: message`adapter, driver, limits, and how to make this machine faster`,
    description:
      message`Inspects the machine and shows what hymba would use. Example: hymba doctor --adapter swiftshader`,
  },
);

function describePackages(): string {
  const rows = PACKAGES.map(({ name, version, licence }) => [name, version, licence]);
  return `${
    table([["package", "version", "licence"], ...rows])
  }\nhymba itself: MIT. Corpora: see datasets/registry.ts.`;
}

function describe({ adapter, problem, adapters, missing, advice, machine, cache, corpora }: Diagnosis): string {
  const lines = describeMachine(machine);
  if (problem) lines.push(`problem    ${problem}`);
  if (adapter) {
    const { name, kind, backend, driver, limits, features, matrixShapes } = adapter;
    lines.push(`adapter    ${name} (${kind}, ${backend})`, `driver     ${driver}`, `features   ${features.join(", ")}`);
    const shapes = matrixShapes.map(matrixShapeInWords).join("; ");
    lines.push(`tensor     ${shapes ? `${shapes}; used with --precision f16 --tensor-cores on` : "no tensor cores"}`);
    const valueText = (limit: string, value: number) =>
      /Size$/.test(limit) && value > 65536 ? bytes(value) : String(value);
    const rows = Object.entries(limits).map(([limit, value]) => [limit, valueText(limit, value)]);
    lines.push("", table([["limit", "value"], ...rows]), "");
  }
  const names = adapters.map(({ name, installed }) => installed ? name : `${name} (downloaded from npm when chosen)`);
  const found = corpora.map(({ name, path }) => `${name} (${path})`);
  lines.push(
    `adapters   ${names.join(", ") || "none"}`,
    `backend    ${adapter?.kind === "hardware" ? "webgpu" : "cpu"}, unless --backend or --adapter chooses another`,
    `precision  ${PRECISIONS.join(", ")} with --precision; default: ${
      usualPrecision("paper", true)
    } for paper on a GPU, ` +
      "else f32",
    `cache      ${cache.folder}, ${bytes(cache.freeBytes)} free`,
    `corpora    ${found.join(", ") || "none on this machine"}`,
  );
  for (const { feature, effect } of missing) lines.push(`missing    ${feature}: ${effect}`);
  for (const { why, command } of advice) lines.push(`faster     ${why}${command ? `\n           ${command}` : ""}`);
  return lines.join("\n");
}

function describeMachine(machine: Machine): string[] {
  const { os, arch, distribution, release, processor, cores, memory, availableMemory, gpus, renderNode, deno } =
    machine;
  const system = [os, arch, [distribution, release].filter(Boolean).join(" ")].filter(Boolean).join(", ");
  const lines = [
    `machine    ${system}, Deno ${deno}`,
    `processor  ${processor || "unknown"}, ${cores} core${cores === 1 ? "" : "s"}, ${bytes(memory)} of memory, ${
      bytes(availableMemory)
    } free`,
  ];
  if (os !== "linux") return lines;
  const node = { open: "open to this user", closed: "closed to this user", missing: "missing" }[renderNode];
  return [...lines, `graphics   ${gpus.join(", ") || "no device on the PCI bus"}; render node ${node}`];
}
