/** Starts the worker of a thread: one of Node's in Deno and Node, one of the page in a browser. */
import type { Worker as NodeWorker } from "node:worker_threads";
import { moduleBeside } from "../system/asset.ts";
import { builtin } from "../system/host.ts";
import type { ThreadData, ThreadMessage } from "./kernel_thread.ts";

/** The events of a worker: messages and its failure. */
export interface WorkerEvents {
  onMessage(message: ThreadMessage): void;
  onError(problem: string): void;
}

export interface StartedWorker {
  /** Keeps the process alive while the worker lives, or no longer. */
  keepsAlive(yes: boolean): void;
  end(): Promise<void>;
}

export function startWorker(data: ThreadData, events: WorkerEvents): StartedWorker {
  const url = moduleBeside(import.meta.url, "./worker"), node = builtin("node:worker_threads");
  return node ? ofNode(new node.Worker(url, { workerData: data }), events) : ofBrowser(url, { data, events });
}

function ofNode(worker: NodeWorker, { onMessage, onError }: WorkerEvents): StartedWorker {
  worker.on("message", (message: ThreadMessage) => onMessage(message));
  worker.on("error", (problem: unknown) => onError(String(problem)));
  return {
    keepsAlive: (yes) => yes ? worker.ref() : worker.unref(),
    end: async () => {
      await worker.terminate();
    },
  };
}

function ofBrowser(url: URL, { data, events }: { data: ThreadData; events: WorkerEvents }): StartedWorker {
  const worker = new Worker(url, { type: "module" });
  worker.onmessage = ({ data: message }: MessageEvent<ThreadMessage>) => events.onMessage(message);
  worker.onerror = ({ message }) => events.onError(message || `${url} cannot be loaded`);
  worker.postMessage(data);
  return { keepsAlive: () => {}, end: () => Promise.resolve(worker.terminate()) };
}
