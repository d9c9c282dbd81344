/** The vector functions alone, so that their errors can be measured. One block takes all n elements. */
import { exp, exp2, sigmoid, softplus } from "./lib/activations";
import { bytes, load4, store4 } from "./lib/vector";

@unmanaged
class Activate {
  x: usize;
  y: usize;
  n: i32;
  /** 0: exp2, 1: exp, 2: sigmoid, 3: softplus. */
  which: i32;
}

export function activate(args: Activate, _block: i32, _workspace: usize): void {
  for (let i = 0; i < args.n; i += 4) {
    const at = bytes(i), left = args.n - i, x = load4(args.x + at, left);
    let y = x;
    if (args.which === 0) y = exp2(x);
    else if (args.which === 1) y = exp(x);
    else if (args.which === 2) y = sigmoid(x);
    else y = softplus(x);
    store4(args.y + at, y, left);
  }
}
