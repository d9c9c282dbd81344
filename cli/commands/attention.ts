/** `hymba attention`: the attention maps of a run's main model, or of any of its models on your own text. */
import { merge, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { systemDisk } from "../../core/disk/mod.ts";
import { UsageError } from "../../core/errors.ts";
import { loadRun } from "../../core/record/mod.ts";
import { type ArtifactName, promptAttentionChart } from "../../core/report/mod.ts";
import { outOption, writeNamed } from "../shared/artifact.ts";
import { modelOptions, withAnyModel } from "../shared/model_options.ts";
import { backendOptions, jsonOption } from "../shared/options.ts";
import { folderOf, runArgument } from "../shared/run_argument.ts";
import type { Action } from "../ui/run.ts";
import { word } from "../shared/value_parsers.ts";
import { writeFilesInto } from "../shared/own_files.ts";
import { printJson } from "../ui/output.ts";

const NAMES: Readonly<Record<string, ArtifactName>> = {
  pretraining: "attentionPretraining",
  orpo: "attentionOrpo",
};

/** What is drawn besides, where the run has the maps of both stages. */
const CHANGE: ArtifactName = "attentionChange";

/** Most tokens of a prompt. In a picture with more, single cells cannot be distinguished. */
const MOST_TOKENS = 512;

const options = merge(
  object("What to draw", {
    run: runArgument,
    prompt: optional(
      option("--prompt", word("TEXT"), {
        description: message`draw the attention of a model on this text, instead of the stored maps of the run`,
      }),
    ),
    out: outOption,
    json: jsonOption,
  }),
  modelOptions,
  backendOptions,
);

type Given = InferValue<typeof options>;

export const attentionCommand = command("attention", map(options, (given): Action => () => attention(given)), {
  brief: message`draws attention maps of a run, or of a model on your own text`,
  description:
    message`Draws hymba_attention_pretraining.png, hymba_attention_orpo.png and hymba_attention_change.png, the second minus the first, from the maps that a run kept of hymba. Each has five layers, with the meta tokens marked. With --model it computes the maps of any model on the same text and draws attention_MODEL.png; --prompt takes another text. Example: hymba attention results/runs/quick-tinyshakespeare --prompt "To be, or not to be" --model transformer-global`,
});

async function attention({ prompt, ...given }: Given): Promise<void> {
  if (prompt !== undefined) return await ofText(prompt, given);
  if (given.model !== undefined) return await ofText(await keptText(await folderOf(given.run)), given);
  const { stage, run, out, json } = given;
  const known = Object.entries(NAMES).flatMap(([name, artifact]) =>
    stage === undefined || stage === name ? [artifact] : []
  );
  if (known.length === 0) {
    throw new UsageError(`the run stores no maps for --stage ${stage}`, { expected: Object.keys(NAMES).join(" or ") });
  }
  await writeNamed(known, { run, out, json, others: stage === undefined ? [CHANGE] : [] });
}

/** The text of tokens by their names. Those of single bytes, such as `<0xE3>`, are bytes of UTF-8. */
function textOfNames(names: readonly string[]): string {
  const bytes = names.flatMap((name) => {
    const byte = /^<0x([0-9A-F]{2})>$/.exec(name)?.[1];
    return byte === undefined ? [...new TextEncoder().encode(name)] : [parseInt(byte, 16)];
  });
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** The text of the maps that a run kept. */
async function keptText(folder: string): Promise<string> {
  const { attention } = await loadRun(systemDisk, folder), [map] = attention.pretraining ?? attention.orpo ?? [];
  if (map) return textOfNames(map.labels.slice(map.metaTokens));
  throw new UsageError(`${folder} kept no maps whose text could be taken`, { hint: "give a text with --prompt TEXT" });
}

async function ofText(prompt: string, { run, out, json, model, seed, stage, ...given }: Omit<Given, "prompt">) {
  const folder = await folderOf(run), target = out ?? folder;
  const backend = { ...given, onProgress: (line: string) => console.error(line) };
  await withAnyModel(folder, { choice: { model, seed, stage }, backend }, async (opened) => {
    const { arm: { name }, source } = opened.chosen, file = `attention_${name}.png`;
    const maps = await opened.attention(prompt, { most: MOST_TOKENS });
    const written = await writeFilesInto(target, [[file, await promptAttentionChart(maps, { model: name, source })]]);
    if (json) printJson("attention", { run: folder, written });
    else console.log(`wrote ${written.join()}`);
  });
}
