import { DeviceLost, HymbaError } from "../errors.ts";

const AGAIN = "run the same command again; finished steps are taken from the last checkpoint. " +
  "If it happens again, make the model or batch smaller, or choose another adapter with --adapter TEXT";

/** Ends a Deno process with the error's text unless somebody handles the global `error` event. */
const endProcess = (error: HymbaError): void => reportError(error);

/** The two ways in which a device says that something went wrong outside of any call. */
export interface Guard {
  /** Resolves on a loss that was not announced by {@link Guard.closing}. */
  lost: Promise<DeviceLost>;
  /** Says that the device is about to be destroyed on purpose. */
  closing(): void;
}

/** Watches a device for its loss and for errors that no scope caught, and tells `onError` of each. */
export function guard(device: GPUDevice, { name, onError = endProcess }: {
  name: string;
  onError?: (error: HymbaError) => void;
}): Guard {
  let closed = false;
  // Later, because an exception that passes through Dawn's native frames aborts the process without a word.
  const tell = (error: HymbaError) => void setTimeout(() => onError(error));
  const lost = new Promise<DeviceLost>((resolve) => {
    device.lost.then(({ reason, message }) => {
      if (closed) return;
      const error = new DeviceLost(`the GPU device was lost (${name})`, { got: `${reason}: ${message}`, hint: AGAIN });
      resolve(error);
      tell(error);
    });
  });
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    if ("error" in event) tell(fromGpu(event.error as GPUError, "a GPU command"));
  });
  return { lost, closing: () => void (closed = true) };
}

function fromGpu({ message }: GPUError, label: string, filter?: GPUErrorFilter): HymbaError {
  if (filter === "out-of-memory") {
    return new HymbaError(`${label}: the GPU is out of memory`, {
      got: message.trim(),
      hint: "make the batch, the sequence or the model smaller",
    });
  }
  return new HymbaError(`${label}: refused by WebGPU`, { got: message.trim() });
}

/**
 * Runs `work` inside error scopes, so that what WebGPU refuses in it becomes a HymbaError that begins with `label`. Waits for the
 * device: use it while things are made, not in a step.
 */
export async function scoped<T>(device: GPUDevice, label: string, work: () => T | Promise<T>): Promise<T> {
  const filters: GPUErrorFilter[] = ["internal", "out-of-memory", "validation"];
  for (const filter of filters) device.pushErrorScope(filter);
  let outcome: { value: T } | { thrown: unknown };
  try {
    outcome = { value: await work() };
  } catch (thrown) {
    outcome = { thrown };
  }
  let refused: HymbaError | undefined;
  for (const filter of filters.toReversed()) {
    const error = await device.popErrorScope();
    if (error) refused ??= fromGpu(error, label, filter);
  }
  if (refused) throw refused;
  if ("thrown" in outcome) throw outcome.thrown;
  return outcome.value;
}
