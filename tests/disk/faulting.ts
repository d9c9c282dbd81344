import { type Disk, DiskError, type DiskOperation, type Lock } from "../../core/disk/mod.ts";
import { intercept, type Step } from "./intercept.ts";

const VERBS: Record<keyof Disk, DiskOperation> = {
  read: "read",
  openRanges: "read",
  writeSome: "write",
  truncate: "truncate",
  syncFile: "sync",
  syncFolder: "sync",
  rename: "rename",
  remove: "remove",
  list: "list",
  stat: "inspect",
  makeFolder: "make folder",
  freeSpace: "measure free space of",
  lock: "lock",
  isLocked: "inspect",
};

/** Faults of an operation. `short` is a write that writes one byte; `torn` writes one byte and then fails. */
export const FAULTS = [
  "ENOSPC",
  "EDQUOT",
  "EFBIG",
  "EIO",
  "EACCES",
  "EROFS",
  "EMFILE",
  "ENOENT",
  "short",
  "torn",
] as const;

export type Fault = (typeof FAULTS)[number];

/** A disk that fails at the `at`-th operation (from 0), once or from then on. `hit` is the first operation that failed. */
export function faultingDisk(disk: Disk, { at, fault, forever }: { at: number; fault: Fault; forever: boolean }) {
  let count = 0;
  const seen: { hit?: Step } = {};
  const faulting = intercept(disk, async (step, perform) => {
    const now = count++;
    if (now !== at && !(forever && now > at)) return await perform();
    seen.hit ??= step;
    const part = step.operation === "writeSome" && (fault === "short" || fault === "torn");
    if (fault === "short") return await perform(part ? 1 : undefined);
    if (part) await perform(1);
    throw new DiskError(VERBS[step.operation], step.path, fault === "torn" ? "EIO" : fault);
  });
  return { disk: faulting, seen };
}

const isLock = (value: unknown): value is Lock => typeof value === "object" && value !== null && "release" in value;

/** Ends a simulated process. The program must not handle it as an error. */
export class Killed extends Error {}

/**
 * A disk whose process is killed at the `at`-th operation (from 0): before it, in the middle of a write, or after it. The disk
 * keeps what was done before. Later operations of the killed process have no effect, and its lock is released.
 */
export function killingDisk(disk: Disk, { at, when }: { at: number; when: "before" | "during" | "after" }) {
  let count = 0;
  const seen: { hit?: Step } = {};
  const killing = intercept(disk, async (step, perform) => {
    const now = count++;
    if (now < at) return await perform();
    if (now === at) {
      seen.hit = step;
      const done: unknown = when === "after" ? await perform() : undefined;
      if (isLock(done)) await done.release();
      if (when === "during" && step.operation === "writeSome") await perform(1 + at % 7);
    }
    throw new Killed(`at ${step.operation} ${step.path}`);
  });
  return { disk: killing, seen };
}
