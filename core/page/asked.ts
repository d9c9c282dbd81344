/** A request to an engine that takes a while: its answer, or the reason why there is none. */
import { useRef, useState } from "preact/hooks";
import { wordsOf } from "./words.ts";

export interface Asked<T> {
  readonly busy: boolean;
  readonly answer?: T;
  readonly problem?: string;
}

/** The state of the newest question, and a function that asks one. An older question that ends later changes nothing. */
export function useAsked<T>(): readonly [Asked<T>, (work: () => Promise<T>) => Promise<void>] {
  const [asked, setAsked] = useState<Asked<T>>({ busy: false }), newest = useRef(0);
  const ask = async (work: () => Promise<T>) => {
    const own = ++newest.current;
    setAsked((before) => ({ ...before, busy: true, problem: undefined }));
    try {
      const answer = await work();
      if (own === newest.current) setAsked({ busy: false, answer });
    } catch (error) {
      if (own === newest.current) setAsked({ busy: false, problem: wordsOf(error) });
    }
  };
  return [asked, ask];
}
