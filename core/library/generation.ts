/** The result of `generate`: a promise of the whole result, and an iterator over its parts. */

/** A text that is being generated: await it for all of it, or loop over it with `for await` for each part as it is made. */
export class Generation<Part, All> implements Promise<All>, AsyncIterable<Part> {
  /** The class name of objects. */
  readonly [Symbol.toStringTag] = "Generation";
  readonly #start: () => AsyncGenerator<Part, void, void>;
  readonly #joined: (parts: Part[]) => All;
  #all: Promise<All> | undefined;

  /** Made by `Hymba.generate`. @internal */
  constructor(start: () => AsyncGenerator<Part, void, void>, joined: (parts: Part[]) => All) {
    this.#start = start;
    this.#joined = joined;
  }

  /** Generates while the loop continues; leaving the loop ends it. Each loop starts again and gives the same result. */
  [Symbol.asyncIterator](): AsyncGenerator<Part, void, void> {
    return this.#start();
  }

  /** As of a promise: everything. It is made at the first call. */
  then<A = All, B = never>(
    fulfilled?: ((all: All) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#all ??= this.#make();
    return this.#all.then(fulfilled, rejected);
  }

  /** As of a promise. */
  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<All | B> {
    return this.then(undefined, rejected);
  }

  /** As of a promise. */
  finally(settled?: (() => void) | null): Promise<All> {
    return this.then().finally(settled);
  }

  async #make(): Promise<All> {
    const parts: Part[] = [];
    for await (const part of this.#start()) parts.push(part);
    return this.#joined(parts);
  }
}
