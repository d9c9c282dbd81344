#!/usr/bin/env bash
# Unpacks Mesa 26 of Debian 13 (with backports) into DIR, without installing anything: 63 MB to download, 390 MB on disk. Its lavapipe has
# subgroup matrices (8 × 8 × 8, f16 → f32), which that of Debian 12 lacks. It needs Debian, its keyring and x86-64.
#   tests/tensor_cores/mesa.sh DIR
set -euo pipefail
[ $# = 1 ] || { sed -n '2,4s/^# //p' "$0"; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
apt=$dir/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
: >"$apt/status"
uri=$(awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/debian.sources)
key=/usr/share/keyrings/debian-archive-keyring.gpg
printf 'deb [signed-by=%s] %s %s main\n' "$key" "$uri" trixie "$key" "$uri" trixie-backports >"$apt/sources.list"
cat >"$apt/conf" <<C
Dir::State "$apt"; Dir::State::Lists "$apt/lists"; Dir::State::status "$apt/status"; Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list"; Dir::Etc::sourceparts "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
Dir::Etc::preferences "/dev/null"; APT::Install-Recommends "false"; Acquire::Languages "none"; Debug::NoLocking "true";
APT::Sandbox::User "root"; Acquire::Check-Valid-Until "false";
C
export APT_CONFIG=$apt/conf
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq -y --download-only -t trixie-backports install mesa-vulkan-drivers libvulkan1 libc6 >/dev/null
for deb in "$apt"/cache/archives/*.deb; do dpkg -x "$deb" "$dir"; done
rm -r "$apt"
so=$dir/usr/lib/x86_64-linux-gnu/libvulkan_lvp.so
[ -f "$so" ] || { echo "Mesa has no lavapipe: $so is missing" >&2; exit 1; }
printf '{ "file_format_version": "1.0.1", "ICD": { "library_path": "%s", "api_version": "1.4.0" } }\n' "$so" >"$dir/lvp.json"
