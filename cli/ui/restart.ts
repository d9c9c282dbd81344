/** Continues after the loss of a GPU device: in a new process, from the last checkpoint. */
import type { DeviceLost } from "../../core/errors.ts";

/** Exit code of a supervised process whose device was lost: EX_TEMPFAIL of sysexits.h. */
const LOST = 75;
const SUPERVISED = "HYMBA_SUPERVISED";
/** The program gives up after this many losses in a row without progress. */
const TRIES = 5;

const ALL: readonly Deno.PermissionName[] = ["read", "write", "env", "sys", "net", "run", "ffi"];

/** A child process gets all permissions, so only a process with all permissions may start one. */
const holdsAllPermissions = () => ALL.every((name) => Deno.permissions.querySync({ name }).state === "granted");

function sameCommand(): Deno.Command {
  const args = Deno.build.standalone ? Deno.args : ["run", "-A", Deno.mainModule, ...Deno.args];
  return new Deno.Command(Deno.execPath(), { args, env: { [SUPERVISED]: "1" } });
}

/**
 * Runs this process's command again and waits for its end. The terminal sends Ctrl-C to the child process itself; SIGTERM is
 * passed on here.
 */
async function again(): Promise<number> {
  const child = sameCommand().spawn();
  if (Deno.build.os === "windows") return (await child.status).code;
  const ignore = () => {}, passOn = () => child.kill("SIGTERM");
  Deno.addSignalListener("SIGINT", ignore);
  Deno.addSignalListener("SIGTERM", passOn);
  const { code } = await child.status;
  Deno.removeSignalListener("SIGINT", ignore);
  Deno.removeSignalListener("SIGTERM", passOn);
  return code;
}

/**
 * Repeats this process's command in new processes while they lose the device, then ends with the exit code of the last one.
 * `progress` is a number that grows with the finished work. Throws the loss after five losses in a row without progress, or when
 * this process may not start other processes.
 */
export async function goOnAfter(
  loss: DeviceLost,
  { progress, say }: { progress(): Promise<number>; say(line: string): void },
): Promise<never> {
  if (Deno.env.get(SUPERVISED)) {
    console.error(`hymba: ${loss.message.split("\n", 1)[0]}`);
    Deno.exit(LOST);
  }
  if (!holdsAllPermissions()) throw loss;
  for (let furthest = -1, idle = 0;;) {
    const now = await progress();
    idle = now > furthest ? 0 : idle + 1;
    if (idle === TRIES) throw loss;
    furthest = Math.max(furthest, now);
    say(`${loss.message.split("\n", 1)[0]}: continuing from the last checkpoint in a new process`);
    const code = await again();
    if (code !== LOST) Deno.exit(code);
  }
}
