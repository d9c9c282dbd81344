// The mask of causal attention: query t sees key s when s ≤ t and (WINDOW = 0 or t − s < WINDOW or s < META). From the kernel's block Run:
// WINDOW, the keys that a query sees, itself included (0: all before it); META, the leading positions that every later query sees.
// With CROP > 0 the documented study's leaky mask, kept as evidence: text keys before META + CROP are gone, key s counts as position s − CROP,
// and META keys are always seen.

/// Four queries and four keys at once. Signed, because software adapters compare signed numbers at a tenth of the cost.
fn sees4(t: vec4i, s: vec4i) -> vec4<bool> {
  let behind = t + i32(run.CROP) - s;
  let text = s >= vec4i(i32(run.META + run.CROP));
  let window = select(i32(run.WINDOW), 0x7fffffff, run.WINDOW == 0);
  let near = (behind >= vec4i()) & (behind < vec4i(window));
  let prefix = (s < vec4i(i32(run.META))) & ((s <= t) | vec4<bool>(run.CROP > 0));
  return (near & text) | prefix;
}

fn sees(t: u32, s: u32) -> bool {
  return sees4(vec4i(i32(t)), vec4i(i32(s))).x;
}
