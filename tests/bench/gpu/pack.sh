#!/usr/bin/env bash
# Packs `hymba bench all` for a machine with a GPU, but without Node, Deno or network, as one archive: Deno, the program, the packages that it
# needs, Dawn's add-on for Linux on x86-64, and golden cases. The other machine needs tar, xz and a Vulkan loader with a driver.
#   tests/bench/gpu/pack.sh FOLDER [GOLDEN]     writes FOLDER/hymba-gpu.tar.xz; GOLDEN: a folder of golden cases
# There:
#   tar xf hymba-gpu.tar.xz && hymba-gpu/bench --out result       (hymba-gpu/hymba is the whole command line)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
[ $# -ge 1 ] || { echo "usage: tests/bench/gpu/pack.sh FOLDER [GOLDEN]" >&2; exit 2; }
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "pack.sh makes an archive for Linux on x86-64 and runs there" >&2; exit 2; }
folder="$(mkdir -p "$1" && cd "$1" && pwd)"
golden="${2:-}"
[ -z "$golden" ] || [ -d "$golden" ] || { echo "$golden is not a folder" >&2; exit 2; }
most=$((55 * 1000 * 1000))
deno() { npx --yes deno@2.9.6 "$@"; }
stage="$(mktemp -d)"
trap 'rm -rf "$stage"' EXIT
top="$stage/hymba-gpu"
mkdir -p "$top/program/results/bench"
tar cf - --exclude=node_modules --exclude=core/page/built cli core datasets wgsl mod.ts notebook.ts deno.json LICENSE | tar xf - -C "$top/program"
cp results/bench/isa.json "$top/program/results/bench/"
# Only the packages that `bench all` loads. The versions are those of the lock file of the program.
deno run --allow-read --allow-write tests/bench/gpu/packages.ts "$top/program"
cp "$(deno eval 'console.log(Deno.execPath())')" "$top/deno"
cp tests/bench/gpu/hymba "$top/hymba"
cp tests/bench/gpu/bench "$top/bench"
chmod +x "$top/deno" "$top/hymba" "$top/bench"
[ -z "$golden" ] || { mkdir "$top/golden" && cp "$golden"/*.safetensors "$top/golden/"; }
(cd "$top/program" && DENO_DIR="$top/cache" deno run --no-check -A --config deno.json --lock=deno.lock --frozen=false cli/main.ts bench all --help >"$stage/help")
cd "$top"
# What Deno makes again by itself, with this machine's paths in it; the add-ons of other systems; typefaces.
rm -rf cache/gen cache/*_cache_v* cache/*.sqlite*
ls cache/npm >registry
find cache/npm/*/webgpu/*/dist -mindepth 1 -maxdepth 1 -type d ! -name linux-x64 -exec rm -rf {} +
find cache/npm/*/@fontsource -name '*.woff*' -delete
tar cf - -C "$stage" hymba-gpu | xz -T0 -9e >"$folder/hymba-gpu.tar.xz"
bytes=$(stat -c %s "$folder/hymba-gpu.tar.xz")
echo "$folder/hymba-gpu.tar.xz: $bytes bytes"
[ "$bytes" -le "$most" ] || { echo "more than $most bytes" >&2; exit 1; }
