/**
 * The answers for the addresses of the page. The list of addresses is fixed: the path of a request never becomes a path on the
 * disk.
 */
import { mainArm } from "../config/mod.ts";
import type { Disk } from "../disk/mod.ts";
import { at } from "../lists.ts";
import type { StudyView } from "../page/views.ts";
import { loadCurves, loadRun, readRecord, type Run, tokenizerPath } from "../record/mod.ts";
import { footerOf } from "../report/caption.ts";
import { policyOf } from "../report/document/html.ts";
import { SCRIPT } from "../report/interactive/mod.ts";
import { reportPage } from "../report/mod.ts";
import { looks } from "../report/palette.ts";
import { OWN_POLICY } from "./request_guard.ts";
import { progressOf } from "./run_progress.ts";
import { trainedFiles } from "./trained.ts";

/** The answer for one address. */
export interface Answer {
  readonly type: string;
  readonly body: string | Uint8Array<ArrayBuffer> | { readonly path: string; readonly bytes: number };
  readonly policy: string;
}

/** Files of the page itself by name: HTML, scripts, style and kernels. */
export type PageFiles = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  json: "application/json",
  wasm: "application/wasm",
};

const typeOf = (name: string) => TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";

/** The address of the tokenizer's file, relative to the page. */
const tokenizerName = (path: string) => path.endsWith(".json") ? "tokenizer.json" : "tokenizer.model";

/** The facts that a report depends on. A study only grows, so equal facts mean an equal report. */
const madeFrom = ({ metrics, results, tokenLosses, recall, speeds, test, attention }: Run): string =>
  JSON.stringify([metrics, results, tokenLosses, recall].map(({ length }) => length)) +
  JSON.stringify([speeds !== undefined, test !== undefined, Object.keys(attention)]);

/** The addresses of one run, each with the function that makes its answer. */
export class Answers {
  /** The report, and the facts that it was made from. */
  #report: { readonly of: string; readonly page: string } | undefined;

  constructor(
    private readonly disk: Disk,
    private readonly folder: string,
    private readonly page: PageFiles,
    private readonly options: { readonly live: boolean },
  ) {}

  /** The answer for an address relative to the page, such as `study.json`; undefined for an unknown address. */
  async at(address: string): Promise<Answer | undefined> {
    const name = address === "" ? "index.html" : address, file = this.page.get(name);
    if (file) return { type: typeOf(name), body: file, policy: OWN_POLICY };
    if (name === "study.json") return this.#json(await this.#study());
    if (name === "progress.json") return this.#json(await progressOf(this.disk, this.folder));
    if (name === "report.html") return await this.#reportAnswer();
    if (name === "tokenizer.json" || name === "tokenizer.model") return await this.#tokenizer(name);
    return await this.#weights(name);
  }

  /** The addresses of everything that this run has. */
  async all(): Promise<string[]> {
    const record = await readRecord(this.disk, this.folder),
      models = await trainedFiles(this.disk, this.folder, record);
    const tokenizer = tokenizerName(tokenizerPath(this.folder, record.study));
    const made = ["study.json", "progress.json", "report.html", tokenizer];
    return [...this.page.keys(), ...made, ...models.map(({ file }) => file)];
  }

  #json(value: unknown): Answer {
    return { type: typeOf("x.json"), body: JSON.stringify(value), policy: OWN_POLICY };
  }

  async #study(): Promise<StudyView> {
    const run = await loadCurves(this.disk, this.folder), { study, corpus, tokenizer, tiles } = run.record;
    const look = looks(study.arms.map(({ name }) => name));
    return {
      title: footerOf(run),
      ...(corpus.warning !== undefined && { warning: corpus.warning }),
      live: this.options.live,
      arms: study.arms.map(({ name, config }) => ({ name, look: look(name), config: { ...config } })),
      mainArm: mainArm(study) ?? at(study.arms, 0).name,
      sequenceLength: study.sequenceLength,
      tokenizer: { file: tokenizerName(tokenizerPath(this.folder, study)), sha256: tokenizer.sha256 },
      tiles: tiles ?? {},
    };
  }

  async #reportAnswer(): Promise<Answer> {
    const run = await loadRun(this.disk, this.folder), of = madeFrom(run);
    const known = this.#report?.of === of ? this.#report.page : reportPage(run, { beside: false });
    this.#report = { of, page: known };
    return { type: typeOf("x.html"), body: known, policy: policyOf(SCRIPT) };
  }

  async #tokenizer(name: string): Promise<Answer | undefined> {
    const record = await readRecord(this.disk, this.folder), path = tokenizerPath(this.folder, record.study);
    if (tokenizerName(path) !== name) return undefined;
    return await this.#file(path, name);
  }

  async #weights(name: string): Promise<Answer | undefined> {
    if (!name.startsWith("models/")) return undefined;
    const record = await readRecord(this.disk, this.folder), files = await trainedFiles(this.disk, this.folder, record);
    const found = files.find(({ file }) => file === name);
    return found && await this.#file(found.path, name);
  }

  /** A file of the run. A link leads elsewhere and is not followed. */
  async #file(path: string, name: string): Promise<Answer | undefined> {
    const stat = await this.disk.stat(path);
    if (stat?.kind !== "file" || stat.link) return undefined;
    return { type: typeOf(name), body: { path, bytes: stat.bytes }, policy: OWN_POLICY };
  }
}
