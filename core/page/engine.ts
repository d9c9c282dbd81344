/** The engine in a worker of the page: it answers one question after the other, so that the page stays responsive. */
import { type OpenBackend, openBackend } from "../backend/mod.ts";
import { HymbaError } from "../errors.ts";
import { present } from "../lists.ts";
import { attention, states, surprise } from "./engine/inside.ts";
import type { Computer, ModelSource, Question, Reply, Where } from "./engine/messages.ts";
import { LoadedModel } from "./engine/model.ts";
import { write } from "./engine/write.ts";

class Engine {
  #opened: Promise<OpenBackend> | undefined;
  readonly #models = new Map<string, Promise<LoadedModel>>();
  readonly #writing = new Map<string, AbortController>();

  async answer(question: Question, onPart: (part: unknown) => void): Promise<unknown> {
    if (question.task === "open") return await this.#open(question.where);
    if (question.task === "load") return { parameters: (await this.#load(question.model)).parameters };
    if (question.task === "stop") return this.#writing.get(question.file)?.abort();
    const model = await this.#model(question.file);
    if (question.task === "write") return await this.#write(model, question, onPart);
    if (question.task === "attention") return await attention(model, question.text, question.layer);
    if (question.task === "states") return await states(model, question.text, question.layer);
    return await surprise(model, question.text);
  }

  async #open(where: Where): Promise<Computer> {
    const { backend, adapter } = await (this.#opened ??= openBackend({ backend: where }));
    return { backend, name: backend === "webgpu" ? String(adapter.name) : `${adapter.threads} thread each` };
  }

  async #load(source: ModelSource): Promise<LoadedModel> {
    const { executor } = await present(this.#opened, "the executor");
    let found = this.#models.get(source.file);
    if (!found) this.#models.set(source.file, found = LoadedModel.load(executor, source));
    // A file that could not be read may be there at the next try.
    found.catch(() => this.#models.delete(source.file));
    return await found;
  }

  #model(file: string): Promise<LoadedModel> {
    const found = this.#models.get(file);
    if (found) return found;
    throw new HymbaError(`${file} is not loaded`);
  }

  async #write(
    model: LoadedModel,
    { file, prompt, draws }: Question & { task: "write" },
    onPart: (part: unknown) => void,
  ): Promise<unknown> {
    const controller = new AbortController();
    this.#writing.set(file, controller);
    try {
      return await write(model, { prompt, draws, signal: controller.signal }, onPart);
    } finally {
      this.#writing.delete(file);
    }
  }
}

const engine = new Engine(), reply = (message: Reply) => self.postMessage(message);

self.addEventListener("message", async ({ data }: MessageEvent<Question>) => {
  const { id } = data;
  try {
    reply({ id, answer: await engine.answer(data, (part) => reply({ id, part })) });
  } catch (error) {
    reply({ id, error: error instanceof Error ? error.message : String(error) });
  }
});
