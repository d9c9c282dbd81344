@echo off
rem Starts hymba from this folder, wherever it lies. Packages come from the folder's own cache; nothing is fetched for them.
setlocal
set "here=%~dp0"
set "DENO_DIR=%here%cache"
set "DENO_NO_UPDATE_CHECK=1"
rem Deno finds cached packages by the address of their registry, so another one of the user's must not hide them.
set /p registry=<"%here%registry"
set "NPM_CONFIG_REGISTRY=https://%registry%/"
"%here%deno.exe" run -A --cached-only --config "%here%program\deno.json" --lock="%here%program\deno.lock" --frozen "%here%program\cli\main.ts" %*
