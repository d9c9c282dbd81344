/** Kills commands, gives each again and compares what it leaves with what it leaves undisturbed. */
import { strict as assert } from "node:assert";
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

/** A command in the campaign: how it ends undisturbed, and what happened to it. */
export interface Killed {
  readonly of: Case;
  readonly kills: Kill[];
  /** Calls that ended before their kill came. */
  missed: number;
  /** Kills after which the command did not end as undisturbed. */
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
  /** It ends after so long, with fewer kills; by default it does not. */
  readonly minutes?: number;
  say(line: string): void;
}

/** Random integers of one seed, one after the other. */
function diceOf(seed: number): (below: number) => number {
  let thrown = 0;
  return (below) => randomInteger({ seed, stream: 102, step: 0 }, thrown++, below);
}

async function run(shop: Workshop, of: Case, folder: string) {
  const start = performance.now(), end = await endOf(shop.start(of, folder));
  return { end, milliseconds: performance.now() - start };
}

const cleared = (folder: string) => Deno.remove(folder, { recursive: true });

/** How the command ends undisturbed; undefined, said with its reason, where it cannot be had on this machine. */
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

/** Starts the command and kills it at a random moment. Undefined when it ended before. */
async function killByTime(shop: Workshop, { of, milliseconds }: Subject, at: { folder: string; share: number }) {
  const child = shop.start(of, at.folder), after = milliseconds * at.share;
  const timer = setTimeout(() => {
    try {
      child.kill("SIGKILL");
    } catch (error) {
      // It ended in this very moment, and nobody has heard of it yet: not killed, as `killed` below says.
      if (!(error instanceof TypeError)) throw error;
    }
  }, after);
  const { killed } = await endOf(child);
  clearTimeout(timer);
  return killed ? { by: "time" as const, where: `after ${after.toFixed(0)} ms` } : undefined;
}

async function killByCall(shop: Workshop, subject: Subject, at: { folder: string; dice: (below: number) => number }) {
  subject.calls ??= await callsOf(shop, subject.of);
  const names = [...subject.calls.keys()].sort();
  if (names.length === 0) return undefined;
  const some = subject.calls.get(names[at.dice(names.length)]!)!, call = some[at.dice(some.length)]!;
  const { killed } = await endOf(shop.start(subject.of, at.folder, killedAt(call)));
  return killed ? { by: "call" as const, where: `at ${call.name} ${call.nth}` } : undefined;
}

/** One kill, every fourth time a second one of the call that follows, and the comparison. */
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

/** Kills processes until there were as many kills as asked for, each command as often as the others. */
export async function campaign(
  cases: readonly Case[],
  { kills, seed, minutes = Infinity, say }: Campaign,
): Promise<Killed[]> {
  const end = performance.now() + 60_000 * minutes;
  const reason = await whyNoStrace(), dice = diceOf(seed), subjects: Subject[] = [];
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
      // Each command meets both kinds of kill in turn.
      const subject = subjects[round % subjects.length]!, turn = Math.floor(round / subjects.length);
      if (subject.of.webgpu && turn % 8 > 1) continue;
      await disturb(shop, subject, { dice, byCall: reason === undefined && turn % 2 === 0, round });
      if (round % 20 === 19) say(`${count()} kills, ${subjects.flatMap(({ wrong }) => wrong).length} ended otherwise`);
    }
    failed = subjects.some(({ wrong }) => wrong.length > 0);
    return subjects;
  } finally {
    if (!failed) await shop[Symbol.asyncDispose]();
  }
}
