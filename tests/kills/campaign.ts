/** Kills commands, repeats each of them and compares the results with those of an undisturbed call. */
import { strict as assert } from "node:assert";
import { at } from "../../core/lists.ts";
import { randomInteger } from "../../core/random.ts";
import type { Case } from "./cases.ts";
import { outcomeOf } from "./outcome.ts";
import { endOf, openWorkshop, type Workshop } from "./place.ts";
import { callsOf, killedAt, type SystemCall, whyNoStrace } from "./points.ts";

/** How a process was killed. */
export interface Kill {
  readonly by: "time" | "call";
  readonly where: string;
}

/** A command of the campaign and its kills. */
export interface Killed {
  readonly of: Case;
  readonly kills: Kill[];
  /** Calls that ended before their kill. */
  missed: number;
  /** Kills after which the results differ from those of an undisturbed call. */
  readonly wrong: string[];
}

interface Subject extends Killed {
  readonly wanted: Readonly<Record<string, string>>;
  readonly milliseconds: number;
  calls?: Map<string, SystemCall[]>;
}

export interface Campaign {
  readonly kills: number;
  readonly seed: number;
  /** The longest time; the campaign then ends with fewer kills. Default: no limit. */
  readonly minutes?: number;
  say(line: string): void;
}

/** A stream of random integers, each below its own bound. */
function randomStream(seed: number): (below: number) => number {
  let drawn = 0;
  return (below) => randomInteger({ seed, stream: 102, step: 0 }, drawn++, below);
}

async function run(shop: Workshop, of: Case, folder: string) {
  const start = performance.now(), end = await endOf(shop.start(of, folder));
  return { end, milliseconds: performance.now() - start };
}

const cleared = (folder: string) => Deno.remove(folder, { recursive: true });

/** The results of an undisturbed call. Undefined when the command cannot run on this machine; the reason is printed. */
async function subjectOf(shop: Workshop, of: Case, say: Campaign["say"]): Promise<Subject | undefined> {
  const folder = await shop.place(of, `${of.name} undisturbed`), { end, milliseconds } = await run(shop, of, folder);
  if (of.webgpu && end.code !== 0) {
    say(`${of.name}: not killed, ${end.error.trim().split("\n").at(-1)}`);
    return undefined;
  }
  const wanted = await outcomeOf(of, folder, end);
  await cleared(folder);
  return { of, wanted, milliseconds, kills: [], missed: 0, wrong: [] };
}

/** Starts the command and kills it after a share of its usual time. Undefined when it ended before. */
async function killByTime(
  shop: Workshop,
  { of, milliseconds }: Subject,
  { folder, share }: { folder: string; share: number },
) {
  const child = shop.start(of, folder), after = milliseconds * share;
  const timer = setTimeout(() => {
    try {
      child.kill("SIGKILL");
    } catch (error) {
      // The process ended just before. Then `killed` below is false.
      if (!(error instanceof TypeError)) throw error;
    }
  }, after);
  const { killed } = await endOf(child);
  clearTimeout(timer);
  return killed ? { by: "time" as const, where: `after ${after.toFixed(0)} ms` } : undefined;
}

async function killByCall(
  shop: Workshop,
  subject: Subject,
  { folder, dice }: { folder: string; dice: (below: number) => number },
) {
  subject.calls ??= await callsOf(shop, subject.of);
  const groups = [...subject.calls].toSorted(([a], [b]) => a < b ? -1 : 1).map(([, calls]) => calls);
  if (groups.length === 0) return undefined;
  const some = at(groups, dice(groups.length)), call = at(some, dice(some.length));
  const { killed } = await endOf(shop.start(subject.of, folder, killedAt(call)));
  return killed ? { by: "call" as const, where: `at ${call.name} ${call.nth}` } : undefined;
}

/** One kill, every fourth time a second kill of the repeated call, and the comparison. */
async function disturb(
  shop: Workshop,
  subject: Subject,
  { dice, byCall, round }: { dice: (below: number) => number; byCall: boolean; round: number },
): Promise<void> {
  const { of } = subject, folder = await shop.place(of, `${of.name} ${round}`), share = () => dice(1000) / 1000;
  const first = byCall
    ? await killByCall(shop, subject, { folder, dice })
    : await killByTime(shop, subject, { folder, share: share() });
  const again = first && dice(4) === 0 ? await killByTime(shop, subject, { folder, share: share() }) : undefined;
  const kills = [first, again].filter((kill) => kill !== undefined);
  if (!first) subject.missed++;
  subject.kills.push(...kills);
  try {
    const found = await outcomeOf(of, folder, (await run(shop, of, folder)).end);
    const names = Object.keys({ ...subject.wanted, ...found });
    assert.deepEqual(names.filter((name) => found[name] !== subject.wanted[name]), []);
    await cleared(folder);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    subject.wrong.push(`${kills.map(({ where }) => where).join(", ")}: ${error.message} (left in ${folder})`);
  }
}

/** Kills processes until there were `kills` kills, equally many for each command. */
export async function campaign(
  cases: readonly Case[],
  { kills, seed, minutes = Infinity, say }: Campaign,
): Promise<Killed[]> {
  const end = performance.now() + 60_000 * minutes;
  const reason = await whyNoStrace(), dice = randomStream(seed), subjects: Subject[] = [];
  if (reason) say(`strace: not used, ${reason}; every kill is at a random millisecond`);
  const shop = await openWorkshop();
  let failed = false;
  try {
    const count = () => subjects.reduce((sum, { kills }) => sum + kills.length, 0);
    for (const of of cases) {
      const subject = await subjectOf(shop, of, say);
      if (subject) subjects.push(subject);
    }
    for (let round = 0; count() < kills && round < 4 * kills && performance.now() < end; round++) {
      // The two kinds of kill alternate for each command.
      const subject = at(subjects, round % subjects.length), turn = Math.floor(round / subjects.length);
      if (subject.of.webgpu && turn % 8 > 1) continue;
      await disturb(shop, subject, { dice, byCall: reason === undefined && turn % 2 === 0, round });
      if (round % 20 === 19) {
        say(`${count()} kills, ${subjects.flatMap(({ wrong }) => wrong).length} with other results`);
      }
    }
    failed = subjects.some(({ wrong }) => wrong.length > 0);
    return subjects;
  } finally {
    if (!failed) await shop[Symbol.asyncDispose]();
  }
}
