/** `hymba` without a command: what to do next in this folder. */
import { systemDisk } from "../../core/disk/mod.ts";
import { RUNS, type RunStanding } from "../../core/record/mod.ts";
import { bold, hasColor, printStyled } from "../ui/color.ts";
import { printJson } from "../ui/output.ts";
import { settings } from "../ui/settings.ts";
import { escaped } from "../ui/terminal.ts";
import { bestModel, cellsInWords, standingsIn } from "./runs.ts";

/** A command and the reason for it. */
export interface NextStep {
  readonly why: string;
  readonly command: string;
}

/** The name of a study file that hymba init writes. */
const STUDY = "study.toml";

/** A folder as a word of a shell. */
const quotedWord = (folder: string) => /^[\w./@+-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", `'\\''`)}'`;

function stepsOfRun(standing: RunStanding): NextStep[] {
  const { state, record, results, fault } = standing, folder = quotedWord(standing.folder);
  if (state === "running") {
    return [{
      why: `${standing.folder} is running: ${cellsInWords(standing)} models done`,
      command: `hymba watch ${folder}`,
    }];
  }
  if (state === "stopped" && record) {
    return [{
      why: `${standing.folder} was stopped: ${cellsInWords(standing)} models done; continue it with`,
      command: record.command,
    }];
  }
  if (state === "damaged") return [{ why: fault ?? "", command: `hymba verify ${folder}` }];
  const best = bestModel(results);
  const found = best ? `: ${best.model} has the lowest perplexity, ${best.perplexity.toFixed(2)}` : "";
  return [
    { why: `${standing.folder} is finished${found}`, command: `hymba report ${folder}` },
    { why: "text from one of its models", command: `hymba generate ${folder} --prompt "..."` },
  ];
}

/** What to do next: first the running and the stopped runs, then the newest finished one, then a new study. */
export function nextSteps(standings: readonly RunStanding[], { hasStudy }: { hasStudy: boolean }): NextStep[] {
  const of = (...states: readonly RunStanding["state"][]) => standings.filter(({ state }) => states.includes(state));
  const open = [...of("running"), ...of("stopped"), ...of("damaged")].slice(0, 3), [finished] = of("finished");
  const steps = [...open, ...(finished ? [finished] : [])].flatMap(stepsOfRun);
  if (standings.length > 2) steps.push({ why: `all ${standings.length} runs`, command: "hymba runs" });
  if (hasStudy) {
    steps.push(
      { why: `time, memory and disk of ${STUDY}`, command: `hymba estimate ${STUDY}` },
      { why: "run it", command: `hymba ablate ${STUDY}` },
    );
  } else if (standings.length === 0) {
    steps.push(
      {
        why: "a small study on a text of your own, in about a minute",
        command: "hymba ablate --preset smoke --data book.txt",
      },
      { why: "the usual study on Tiny Shakespeare, in minutes without a GPU", command: "hymba ablate" },
      { why: "a study file to change", command: "hymba init" },
      { why: "the hardware of this machine, and how to make it faster", command: "hymba doctor" },
    );
  }
  return steps;
}

/** Prints what to do next in this folder. */
export async function printNextSteps(): Promise<void> {
  const standings = await standingsIn(RUNS), hasStudy = (await systemDisk.stat(STUDY))?.kind === "file";
  const steps = nextSteps(standings, { hasStudy });
  if (settings().json) return printJson("", { next: steps });
  const color = hasColor(Deno.stdout);
  const lines = steps.flatMap(({ why, command }) => [`${escaped(why)}:`, `  ${bold(escaped(command), color)}`]);
  const text = ["What to do next in this folder", "", ...lines, "", "hymba --help lists the commands"].join("\n");
  printStyled(text, Deno.stdout);
}
