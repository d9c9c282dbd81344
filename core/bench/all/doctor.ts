/** The machine and its adapter. */
import { diagnose } from "../../device/doctor.ts";
import { HymbaError } from "../../errors.ts";
import type { Part, Table } from "./part.ts";

const pairs = (title: string, values: Readonly<Record<string, unknown>>): Table => ({
  title,
  columns: ["", "value"],
  rows: Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : String(value)]),
});

export const doctorPart: Part = async ({ adapter: wanted, keep }) => {
  const found = await diagnose({ ...(wanted !== undefined && { adapter: wanted }) }), { adapter, machine } = found;
  const { gpus: _, ...plain } = machine, tables = [pairs("Machine", { ...plain, gpus: machine.gpus })];
  if (adapter) {
    const { limits, ...rest } = adapter;
    tables.unshift(pairs("Adapter", { ...rest }));
    tables.push(pairs("Limits of the adapter", { ...limits }));
  }
  await keep({ result: found, tables });
  if (found.problem !== undefined) throw new HymbaError(found.problem);
  return 0;
};
