/** slices.html: held-out text, coloured by which of two models has the lower loss on each token. */
import type { KindGroup } from "../eval/token_kinds.ts";
import { at } from "../lists.ts";
import type { Run, StageName } from "../record/mod.ts";
import { AFTER, footerOf, oneLine } from "./caption.ts";
import { dataBlock, htmlTable, Markup, markup, page } from "./document/html.ts";
import { inlineScript } from "./interactive/mod.ts";
import axis from "./interactive/axis.js" with { type: "text" };
import surprise from "./interactive/surprise.js" with { type: "text" };
import { type SliceReport, slicesNote, slicesTable } from "./slices.ts";

const SCRIPT = inlineScript([axis, surprise]);

const STYLE = new Markup(`
.text{white-space:pre-wrap;overflow-wrap:anywhere;max-width:46rem;line-height:1.9;background:var(--tint);border-radius:8px;padding:1rem 1.2rem}
.text:focus-visible,select:focus-visible,button:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.text span{border-radius:3px}.text .now{box-shadow:0 0 0 2px var(--ink)}
:root{--a:0,114,178;--b:213,94,0}@media (prefers-color-scheme:dark){:root{--a:86,180,233;--b:240,149,92}}
.a1{background:rgba(var(--a),.12)}.a2{background:rgba(var(--a),.25)}.a3{background:rgba(var(--a),.4)}.a4{background:rgba(var(--a),.6)}
.b1{background:rgba(var(--b),.12)}.b2{background:rgba(var(--b),.25)}.b3{background:rgba(var(--b),.4)}.b4{background:rgba(var(--b),.6)}
@media (prefers-color-scheme:dark){.a3{background:rgba(var(--a),.34)}.a4{background:rgba(var(--a),.45)}.b3{background:rgba(var(--b),.34)}.b4{background:rgba(var(--b),.45)}}
.b1,.b2,.b3,.b4{border-bottom:1px dotted currentColor}.choices{display:flex;flex-wrap:wrap;gap:.6rem 1.2rem;margin:.6rem 0}
.text .dim{color:var(--faint);background:none;border-bottom:none}
select,.pages button{font:inherit;font-size:.9rem;color:var(--ink);background:var(--tint);border:1px solid var(--rule);border-radius:6px;padding:.25rem .5rem}
select{max-width:100%}.pages{display:flex;gap:.8rem;align-items:center;margin:.6rem 0}.pages button:disabled{opacity:.4}
.readout,.summary{font-size:.9rem;min-height:1.6em;overflow-wrap:anywhere}
`);

/** Tokens per page, and most tokens of the file, so that it does not become too large. */
const PER_PAGE = 600, MOST = 20_000;

/** The mean loss of an arm's seeds on each of the first tokens, in steps of 0.01 nats. */
function meanNats(run: Run, { arm, stage, count }: { arm: string; stage: StageName; count: number }): number[] {
  const own = run.tokenLosses.filter((one) => one.arm === arm && one.stage === stage);
  return Array.from({ length: count }, (_, i) => {
    const mean = own.reduce((sum, { nats }) => sum + at(nats, i), 0) / own.length;
    return Math.round(100 * mean) / 100;
  });
}

/**
 * The page. `texts`: the text of each predicted token, in the order of the losses. All arms of the report are in it, and the
 * reader chooses two of them.
 */
export function surprisePage(
  run: Run,
  { report, groups, texts }: { report: SliceReport; groups: readonly KindGroup[]; texts: readonly string[] },
): string {
  const { stage, slices } = report, count = Math.min(MOST, texts.length);
  const names = slices[0]?.arms.map(({ name }) => name) ?? [];
  const data = {
    perPage: PER_PAGE,
    tokens: texts.slice(0, count),
    models: names.map((arm) => ({ name: oneLine(arm), nats: meanNats(run, { arm, stage, count }) })),
    groups: groups.map(({ title, kinds, codes }) => ({ title, kinds, codes: [...codes.subarray(0, count)].join("") })),
  };
  const table = slicesTable(report), rest = texts.length - count;
  const body = markup`
    <p>Held-out text ${
    AFTER[stage]
  }. Each token is coloured by the model that was less surprised by it: blue for the first model,
    orange with a dotted line for the second; stronger colours from 0.1, 0.5, 1 and 2 nats. Losses are means of the seeds.
    ${rest > 0 && `The first ${count} of ${texts.length} tokens are shown.`}</p>
    <noscript><p class="warning">The coloured text needs JavaScript. The table below does not.</p></noscript>
    <div data-surprise>
    <div class="choices"><label>first model <select class="model"></select></label>
    <label>second model <select class="model"></select></label><label>tokens <select class="kinds"></select></label></div>
    <p class="summary"></p>
    <div class="pages"><button type="button">previous page</button><button type="button">next page</button><span></span></div>
    <p class="where" id="keys">Keys in the text: ← and → go from token to token, Home and End to the ends, Page Up and Page Down
    turn the page.</p>
    <p class="readout" aria-live="polite"></p>
    <div class="text" tabindex="0" role="group" aria-label="held-out text" aria-describedby="keys"></div>
    </div>${dataBlock("surprise-data", data)}
    <h2>Loss by kind of token</h2>${htmlTable(table.columns, table.rows, "Loss by kind of token")}<p class="where">${
    slicesNote(run, report)
  }</p>
  `;
  return page("Which model was less surprised", { lead: footerOf(run), body, style: STYLE, script: SCRIPT });
}
