/** The engines of the page: workers that compute, and the models that each has. */
import { at } from "../lists.ts";
import { HymbaError } from "../errors.ts";
import type { Computer, ModelSource, Question, Reply, TaskName, Tasks, Where } from "./engine/messages.ts";

interface Waiting {
  resolve(answer: never): void;
  reject(error: HymbaError): void;
  onPart?(part: never): void;
}

/** One worker. Questions may be asked while others are answered. */
class EngineWorker {
  readonly #worker = new Worker(new URL("./engine.js", import.meta.url), { type: "module" });
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;

  constructor() {
    this.#worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => this.#receive(data));
    this.#worker.addEventListener("error", ({ message }) => this.#fail(message || "engine.js cannot be loaded"));
  }

  ask<T extends TaskName>(
    task: T,
    asked: Tasks[T]["asked"],
    onPart?: (part: Tasks[T]["part"]) => void,
  ): Promise<Tasks[T]["answer"]> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onPart });
      this.#worker.postMessage({ ...asked, id, task } satisfies { id: number; task: Question["task"] });
    });
  }

  end(): void {
    this.#worker.terminate();
    this.#fail("the engine was ended");
  }

  #receive(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    if ("part" in reply) return waiting.onPart?.(reply.part as never);
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting.reject(new HymbaError(reply.error));
    else waiting.resolve(reply.answer as never);
  }

  #fail(problem: string): void {
    for (const { reject } of this.#waiting.values()) reject(new HymbaError(problem));
    this.#waiting.clear();
  }
}

/**
 * One worker where a GPU computes; on the processor one for each core but one, so that models write side by side. A worker computes
 * on one thread there.
 */
export class Engines {
  readonly #places = new Map<string, { readonly worker: EngineWorker; readonly loaded: Promise<unknown> }>();

  private constructor(readonly workers: readonly EngineWorker[], readonly computer: Computer) {}

  /** Starts the workers for at most `models` models. Throws a HymbaError when nothing computes here. */
  static async open(where: Where, { models }: { models: number }): Promise<Engines> {
    const first = new EngineWorker();
    try {
      const computer = await first.ask("open", { where });
      const more = computer.backend === "webgpu"
        ? 0
        : Math.min(models, Math.max(1, navigator.hardwareConcurrency - 1)) - 1;
      const others = Array.from({ length: Math.max(0, more) }, () => new EngineWorker());
      await Promise.all(others.map((worker) => worker.ask("open", { where: computer.backend })));
      return new Engines([first, ...others], computer);
    } catch (error) {
      first.end();
      throw error;
    }
  }

  /** Asks something of a model, which is loaded first if it is not there. */
  async ask<T extends "write" | "attention" | "states" | "surprise">(
    task: T,
    { model, ...asked }: { model: ModelSource } & Omit<Tasks[T]["asked"], "file">,
    onPart?: (part: Tasks[T]["part"]) => void,
  ): Promise<Tasks[T]["answer"]> {
    const { worker, loaded } = this.#placeOf(model), question = { ...asked, file: model.file };
    await loaded;
    return await worker.ask(task, question as unknown as Tasks[T]["asked"], onPart);
  }

  /** Stops the generation of a model. */
  async stop({ file }: ModelSource): Promise<void> {
    await this.#places.get(file)?.worker.ask("stop", { file });
  }

  end(): void {
    for (const worker of this.workers) worker.end();
  }

  #placeOf(model: ModelSource) {
    const found = this.#places.get(model.file);
    if (found) return found;
    const worker = at(this.workers, this.#places.size % this.workers.length);
    const made = { worker, loaded: worker.ask("load", { model }) };
    this.#places.set(model.file, made);
    made.loaded.catch(() => this.#places.delete(model.file));
    return made;
  }
}
