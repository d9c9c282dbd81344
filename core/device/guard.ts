/** Turns the failures of a GPU device into errors of this program: its loss, uncaptured errors, and errors in scopes. */
import { DeviceLost, HymbaError } from "../errors.ts";

const RETRY =
  "run the same command again; it continues from the last checkpoint. If the device is lost again, make the " +
  "model or the batch smaller, or choose another adapter with --adapter TEXT";

/** Ends a Deno process with the error's text, unless the global `error` event is handled. */
const endProcess = (error: HymbaError): void => reportError(error);

/** A watched device. */
export interface Guard {
  /** Resolves when the device is lost, unless {@link Guard.closing} was called before. */
  lost: Promise<DeviceLost>;
  /** Announces that the device will be destroyed on purpose. */
  closing(): void;
}

/** Watches a device. Calls `onError` for its loss and for each error that no error scope caught. */
export function guard(device: GPUDevice, { name, onError = endProcess }: {
  name: string;
  onError?: (error: HymbaError) => void;
}): Guard {
  let closed = false;
  // In a timer, because an exception in Dawn's native frames aborts the process without a message.
  const report = (error: HymbaError) => {
    setTimeout(() => onError(error));
  };
  const lost = new Promise<DeviceLost>((resolve) => {
    device.lost.then(({ reason, message }) => {
      if (closed) return;
      const error = new DeviceLost(`the GPU device was lost (${name})`, { got: `${reason}: ${message}`, hint: RETRY });
      resolve(error);
      report(error);
    });
  });
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    if ("error" in event) report(fromGpu(event.error as GPUError, "a GPU command"));
  });
  return {
    lost,
    closing: () => {
      closed = true;
    },
  };
}

function fromGpu({ message }: GPUError, label: string, filter?: GPUErrorFilter): HymbaError {
  if (filter === "out-of-memory") {
    return new HymbaError(`${label}: the GPU is out of memory`, {
      got: message.trim(),
      hint: "make the batch, the sequence or the model smaller",
    });
  }
  return new HymbaError(`${label}: WebGPU reported an error`, { got: message.trim() });
}

/**
 * Runs `work` inside error scopes. A WebGPU error in it becomes a HymbaError that starts with `label`. This waits for the
 * device, so use it when objects are created, not in a training step.
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
  let failure: HymbaError | undefined;
  for (const filter of filters.toReversed()) {
    const error = await device.popErrorScope();
    if (error) failure ??= fromGpu(error, label, filter);
  }
  if (failure) throw failure;
  if ("thrown" in outcome) throw outcome.thrown;
  return outcome.value;
}
