/** The site: README, docs and the list of results as pages that also work from a folder. Made by `deno task site`. */
import { relative } from "node:path/posix";
import { IdAttributePlugin } from "npm:@11ty/eleventy@3.1.8";

const PAGES = /^(README(\.ko)?|CONTRIBUTING|SECURITY|CHANGELOG|docs\/[\w-]+|results\/README)\.md$/;

/** Files that the site has besides pages and pictures. */
const FILES = /^docs\/schemas\/[\w-]+\.json$/;

/** The page of a document: docs/tour.md is docs/tour.html, README.md is index.html. */
const pageOf = (path) => path.replace(/README\.md$/, "index.md").replace(/\.md$/, ".html");

/** The path to `url` from the page `from`. */
const between = (url, from) => relative(from.replace(/[^/]*$/, ""), url.replace(/\/$/, "/index.html"));

/**
 * Links to documents become links to their pages. Links to other files go to the repository, where its address is known; else they
 * become plain text.
 */
function linked(html, { inputPath, repository }) {
  const here = inputPath.replace(/^\.\//, ""), folder = new URL(here, "file:///");
  return html.replaceAll(/<a href="(?![a-z]+:|#)([^"#]+)(#[^"]*)?">(.*?)<\/a>/gs, (_, path, place = "", words) => {
    const target = new URL(path, folder).pathname.slice(1);
    if (PAGES.test(target)) {
      return `<a href="${between(`/${pageOf(target)}`, `/${pageOf(here)}`)}${place}">${words}</a>`;
    }
    if (FILES.test(target)) return `<a href="${between(`/${target}`, `/${pageOf(here)}`)}">${words}</a>`;
    return repository ? `<a href="${repository}/${target}${place}">${words}</a>` : words;
  });
}

/** @param {import("@11ty/eleventy").UserConfig} config */
export default function site(config) {
  const repository = process.env.HYMBA_REPOSITORY;
  config.setUseGitIgnore(false);
  for (const folder of ["tests", "core", "cli", "wgsl", "datasets", "dist", ".github", "results/runs"]) {
    config.ignores.add(folder);
  }
  config.addPlugin(IdAttributePlugin);
  // Eleventy switches off code by indentation, which these documents use for commands.
  config.amendLibrary("md", (markdown) => markdown.enable("code"));
  config.addGlobalData("layout", "page.njk");
  config.addGlobalData("permalink", () => ({ page }) => pageOf(page.inputPath.replace(/^\.\//, "")));
  config.addPassthroughCopy("results/**/*.png");
  config.addPassthroughCopy("docs/**/*.png");
  config.addPassthroughCopy("docs/schemas/*.json");
  config.addFilter("heading", (html) => /<h1[^>]*>([^<]*)/.exec(html)?.[1] ?? "hymba");
  config.addFilter(
    "label",
    (stem) => stem.replace(/^\/(docs\/)?/, "").replace("results/README", "results").toLowerCase(),
  );
  config.addFilter("relative", (url, from) => between(url, from));
  config.addFilter("sorted", (all) => all.toSorted((a, b) => a.url < b.url ? -1 : 1));
  config.addFilter("linked", (html, inputPath) => linked(html, { inputPath, repository }));
  return {
    dir: { input: ".", includes: ".ci/site", output: "dist/site" },
    templateFormats: ["md"],
    markdownTemplateEngine: false,
  };
}
