// The mask of causal attention: query t sees key s when s ≤ t and (WINDOW = 0 or t − s < WINDOW or s < META). From the kernel's block Run:
// WINDOW, the keys that a query sees, itself included (0: all before it); META, the leading positions that every later query sees.
fn sees(t: u32, s: u32) -> bool {
  return s <= t && (run.WINDOW == 0 || t - s < run.WINDOW || s < run.META);
}
