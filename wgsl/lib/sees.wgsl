// The mask of causal attention: query t sees key s when s ≤ t and (WINDOW = 0 or t − s < WINDOW or s < META). From the kernel's block Run:
// WINDOW, the keys that a query sees, itself included (0: all before it); META, the leading positions that every later query sees.
// With CROP > 0 the documented study's leaky mask, kept as evidence: text keys before META + CROP are gone, key s counts as position s − CROP,
// and META keys are always seen.
fn sees(t: u32, s: u32) -> bool {
  if (run.CROP > 0) {
    return s < run.META || (s >= run.META + run.CROP && s - run.CROP <= t && t + run.CROP - s < run.WINDOW);
  }
  return s <= t && (run.WINDOW == 0 || t - s < run.WINDOW || s < run.META);
}
