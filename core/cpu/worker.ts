/** Starts a thread of the CPU executor in a worker of Deno, of Node or of a browser. */
import { KernelThread, type ThreadData, type ThreadMessage } from "./kernel_thread.ts";

/** The part of a browser's worker that is used here. */
interface BrowserWorker {
  onmessage: ((event: { readonly data: ThreadData }) => void) | null;
  postMessage(message: ThreadMessage): void;
}

const node = globalThis.process?.getBuiltinModule?.("node:worker_threads"), port = node?.parentPort;
if (port) {
  new KernelThread(node.workerData as ThreadData).serve((message) => port.postMessage(message));
} else {
  const worker = globalThis as unknown as BrowserWorker;
  worker.onmessage = ({ data }) => new KernelThread(data).serve((message) => worker.postMessage(message));
}
