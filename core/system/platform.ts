/** What differs between systems: each rule is a function of a {@link Platform}, so that a test can ask for the rules of any system. */

/** The facts that the rules of this folder need. */
export interface Platform {
  readonly os: typeof Deno.build.os;
  readonly arch: typeof Deno.build.arch;
  /** The value of an environment variable. */
  env(name: string): string | undefined;
}

/** The platform of this process. */
export const thisPlatform: Platform = {
  os: Deno.build.os,
  arch: Deno.build.arch,
  env: (name) => Deno.env.get(name),
};
