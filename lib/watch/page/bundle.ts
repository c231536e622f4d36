/** A file of the monitor page, as it is sent. */
export interface PageFile {
  readonly type: string
  readonly text: string
}

/**
 * The page, put together from `page/` of the source tree: the build and the tests write this module anew (`scripts/page.mjs`), with
 * the files by path. Nothing of what they are made with is needed to run it.
 */
export const files: Readonly<Record<string, PageFile>> = {}
