/** Checks that the test results of a run are consistent. The test text itself is not read. */
import { FILES, type Run, type StageName, STAGES, type TestPart } from "../record/mod.ts";
import { qualityOfTokens } from "../eval/quality.ts";
import type { Finding } from "./checksums.ts";

const named = ({ arm, seed }: { arm: string; seed: number }) => `${arm}, seed ${seed}`;

/** Compares losses of tokens, qualities, results and the list of readings with each other. Empty for runs without a test part. */
export function checkTestPart(run: Run): Finding[] {
  const { test, record } = run, tokens = record.data.testTokens;
  if (tokens === undefined) return [];
  if (!test) return [{ what: "test part", ok: true, detail: "not read yet" }];
  const byStudy = test.readings.filter(({ by }) => by === "study").flatMap(({ models }) => models);
  const findings = run.results.map((result): Finding => {
    const what = `${named(result)}: test part`, found = test.results.find((one) => named(one) === named(result));
    const trained = STAGES.filter((stage) => result.stages[stage]).join(", ");
    const tested = STAGES.filter((stage) => found?.stages[stage]).join(", ");
    if (trained !== tested) return { what, ok: false, detail: `trained ${trained}, tested ${tested || "not at all"}` };
    const ok = byStudy.some((model) => named(model) === named(result));
    return { what, ok, detail: ok ? `tested after ${tested}` : "no reading by the study names it" };
  });
  return [readingsFinding(test), ...findings, ...test.losses.map((kept) => checkLosses(run, { ...kept, tokens }))];
}

/** How often the test part was read, and by what. */
function readingsFinding({ readings }: TestPart): Finding {
  const by = (who: string) => `${readings.filter((one) => one.by === who).length} by ${who}`;
  const detail = `${["study", "evaluate", "verify"].map(by).join(", ")}; ${FILES.record} lists them`;
  return { what: "readings of the test part", ok: true, detail };
}

function checkLosses(
  { test, record }: Run,
  { arm, seed, stage, nats, tokens }: {
    arm: string;
    seed: number;
    stage: StageName;
    nats: Float32Array;
    tokens: number;
  },
): Finding {
  const what = `${arm}, seed ${seed}, ${stage}: losses of test tokens`;
  if (nats.length !== tokens) return { what, ok: false, detail: `${nats.length} losses of ${tokens} tokens` };
  const recorded = test?.results.find((one) => one.arm === arm && one.seed === seed)?.stages[stage];
  const found = qualityOfTokens(nats.map((loss) => -loss), { bytes: record.data.testBytes ?? 0 });
  const ok = JSON.stringify(recorded) === JSON.stringify(found);
  return { what, ok, detail: ok ? `mean ${found.loss}` : `they give ${found.loss}, test.json has ${recorded?.loss}` };
}
