import { strict as assert } from "node:assert";
import { blocksOf, loopsOf, ownBlocks } from "./machine_code.ts";
import { faults } from "./gate.ts";
import { CHIPS, costOf, seconds } from "./model.ts";
import { isOfTensorCores, missing, type Survey, survey } from "./survey.ts";
import { mesaFolder } from "../../tensor_cores/mesa.ts";
import { thorough } from "../../thorough.ts";

const COMMITTED = new URL("../../../results/bench/isa.json", import.meta.url);

/** A listing of the disassembler. */
const DISASSEMBLED = `BB0:
	s_load_b128 s[4:7], s[2:3], null                            ; f4080101 f8000000
BB1:
	buffer_load_b128 v[0:3], v8, s[4:7], 0 offen                ; e05c0000 80410008
	s_waitcnt vmcnt(0)                                          ; bf8903f7
BB2:
	ds_load_b128 v[4:7], v9                                     ; dbfc0000 04000009
	s_delay_alu instid0(VALU_DEP_1)                             ; bf870001
	s_waitcnt lgkmcnt(0)                                        ; bf89fc07
	v_fmac_f32_e32 v10, v0, v4                                  ; 56140900
	v_pk_fma_f32 v[10:11], v[0:1], v[4:5], v[10:11]             ; cc1f4010 1c0a0900
	(then repeated 3 times)
	s_cbranch_scc0 BB2                                          ; bfa1ffa4
BB3:
	s_cbranch_scc1 BB1                                          ; bfa2ffa4
BB4:
	s_endpgm                                                    ; bfb00000
`;

/** A listing of the compiler, for a chip that the disassembler does not know. */
const PRINTED = `BB1
/* logical preds: BB0, BB1, / linear preds: BB0, BB1, / kind: uniform, loop-header, */
	 v4: %5:v[0-3] = buffer_load_dwordx4 %10:s[4-7], %8:v[8], 0 offen storage:buffer
	s_wait_loadcnt imm:0
	 v1: %9:v[10] = v_fmac_f32 %5:v[0], %6:v[4], %9:v[10]
	 v1: %9:v[10] = v_exp_f32 %5:v[0]
	s_cbranch_scc1 block:BB1
BB2
	s_endpgm
`;

Deno.test("isa: loops, multiply-adds and waits of a disassembled kernel", () => {
  const blocks = blocksOf(DISASSEMBLED), [outer, ...others] = loopsOf(blocks);
  assert.ok(outer);
  assert.deepEqual([others.length, outer.first, outer.last, outer.inner.length], [0, 1, 3, 1]);
  const [inner] = outer.inner.map((loop) => ownBlocks(loop, blocks).flatMap(({ instructions }) => instructions));
  assert.ok(inner);
  assert.equal(inner.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0), 1 + 4 * 2);
  assert.deepEqual(inner.map(({ unit }) => unit).slice(0, 4), ["lds", "hint", "wait", "vector"]);
  assert.deepEqual(inner[2]?.waits, { ds: 0, km: 0 });
  assert.equal(inner[0]?.bytes, 16);
});

Deno.test("isa: the compiler's own listing can be parsed, too", () => {
  const blocks = blocksOf(PRINTED), [loop] = loopsOf(blocks);
  assert.ok(loop);
  const own = ownBlocks(loop, blocks).flatMap(({ instructions }) => instructions);
  assert.deepEqual(own.map(({ unit }) => unit), ["load", "wait", "vector", "transcendental", "scalar"]);
  assert.deepEqual([own[0]?.bytes, own[1]?.waits, own[2]?.multiplyAdds], [16, { load: 0 }, 1]);
});

Deno.test("isa: the model counts the latency of one wave, and several waves hide it", () => {
  const chip = CHIPS["navi31"];
  assert.ok(chip);
  const [, , hot] = blocksOf(DISASSEMBLED), cost = costOf(hot?.instructions ?? [], { chip });
  assert.equal(cost.lds, 64 * 16 / 128);
  assert.ok(cost.latency > 64, "one wave waits for workgroup memory");
  const one = { groups: 96, waves: 1, lds: 0, bytes: 0, chip };
  const alone = seconds(cost, { ...one, resident: 1 }), many = seconds(cost, { ...one, groups: 960, resident: 10 });
  assert.ok(many < 10 * alone && many >= alone, `${alone} ${many}`);
  assert.equal(seconds(cost, { ...one, resident: 1, bytes: chip.bandwidth }), 1);
});

const committed = async () => JSON.parse(await Deno.readTextFile(COMMITTED)) as Survey;

Deno.test("isa gate: scratch, spilled registers, a slower hot loop and a kernel without figures are found", async () => {
  const good = await committed(),
    kernel = good.kernels.find(({ chips }) => (chips["vega10"]?.hot_loop?.multiply_adds ?? 0) >= 64);
  const chip = kernel?.chips["vega10"], loop = chip?.hot_loop;
  assert.ok(kernel && chip && loop);
  const changed = (with_: Partial<typeof chip>) =>
    faults({ ...good, kernels: [{ ...kernel, chips: { vega10: { ...chip, ...with_ } } }] }, good).length;
  const hot_loop = (factor: number) => ({ hot_loop: { ...loop, instructions: factor * loop.instructions } });
  assert.deepEqual(
    [
      changed({}),
      changed({ spilled: 1 }),
      changed({ scratch_bytes: 16 }),
      changed(hot_loop(1.09)),
      changed(hot_loop(1.11)),
    ],
    [0, 1, 1, 0, 1],
  );
  const one = { ...good, kernels: [kernel] };
  assert.equal(faults({ ...good, kernels: [{ ...kernel, kernel: "another" }] }, good).length, 1);
  assert.equal(faults(one, { ...good, kernels: [{ ...kernel, chips: {} }] }).length, Object.keys(CHIPS).length);
});

thorough(
  "isa gate: no kernel of paper spills, uses scratch or has lost a tenth of its hot loop on four chips",
  async () => {
    const reason = await missing();
    if (reason) {
      console.log(`skipped: ${reason}`);
      return;
    }
    const now = await survey({ chips: Object.keys(CHIPS) }), before = await committed();
    assert.deepEqual(faults(now, before), []);
    const mesa = await mesaFolder(),
      names = ({ kernels }: Survey) =>
        kernels.map(({ kernel }) => kernel).filter((name) => mesa || !isOfTensorCores(name)).sort();
    assert.deepEqual(names(now), names(before), "kernels that the committed figures have");
  },
);
