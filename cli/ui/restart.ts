/** After the loss of a GPU device the work goes on by itself: in a fresh process, from the last checkpoint. */
import type { DeviceLost } from "../../core/errors.ts";

/** Exit code of a supervised process whose device was lost: "temporary failure" of sysexits.h. */
const LOST = 75;
const SUPERVISED = "HYMBA_SUPERVISED";
/** Losses in a row without any progress after which it is given up. */
const TRIES = 5;

const ALL: readonly Deno.PermissionName[] = ["read", "write", "env", "sys", "net", "run", "ffi"];

/** A child gets every permission, so only a process that holds them all may start one. */
const holdsAllPermissions = () => ALL.every((name) => Deno.permissions.querySync({ name }).state === "granted");

function sameCommand(): Deno.Command {
  const args = Deno.build.standalone ? Deno.args : ["run", "-A", Deno.mainModule, ...Deno.args];
  return new Deno.Command(Deno.execPath(), { args, env: { [SUPERVISED]: "1" } });
}

/** Runs this process's command again and waits for it. Ctrl-C reaches it by the terminal, SIGTERM from here. */
async function again(): Promise<number> {
  const child = sameCommand().spawn();
  const ignore = () => {}, hand = () => child.kill("SIGTERM");
  if (Deno.build.os === "windows") return (await child.status).code;
  Deno.addSignalListener("SIGINT", ignore), Deno.addSignalListener("SIGTERM", hand);
  const { code } = await child.status;
  Deno.removeSignalListener("SIGINT", ignore), Deno.removeSignalListener("SIGTERM", hand);
  return code;
}

/**
 * Repeats this process's command in fresh processes until one ends otherwise than by a lost device, and ends as it did. `progress`
 * is a number that grows with the work done. Throws the loss when five in a row brought no progress, or when this process may
 * not start others.
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
    say(`${loss.message.split("\n", 1)[0]}: going on from the last checkpoint in a fresh process`);
    const code = await again();
    if (code !== LOST) Deno.exit(code);
  }
}
