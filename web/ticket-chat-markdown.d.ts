/* The types of ticket-chat-markdown.js. */

/**
 * Shows Markdown of a language model in an element while it is written. Whatever the text is, all that comes of it is
 * `p`, `h3` to `h6`, `ul`, `ol`, `li`, `blockquote`, `pre` (its language in `data-language`), `code`, `em`, `strong`,
 * `del`, `br`, `hr`, `a` (with the host in a `bdi` where the label does not tell it), and `table`, `tr`, `th`, `td`
 * (`data-align` "center" or "right") in a `div` with `role=region`, which is to scroll. It brings no styles.
 *
 * It is CommonMark with the tables of GitHub, but for what would damage the answer of a help desk:
 *
 * - A backslash before punctuation is an escape (`\*`, `snake\_case`), but in a path it is a backslash, and what follows
 *   it is no mark: `C:\Temp\*.*`, `\\fs01\dept$\_scans`. A word is a path if it has a backslash before a letter or digit or
 *   behind a `$`, `\*.` or `\.` with more behind it, or begins with a drive, `\\`, `HK…\`, `%NAME%\`, `$name\`, `~\`, `.\` or
 *   `..\`; so are the words behind a drive, server, hive or variable to the end of the line or sentence, for a path
 *   may hold blanks. `\*` at the end of a word is a wildcard unless another `\*` opened before it.
 * - `2*3*4` multiplies, `*.*` and `*.tmp` are wildcards, `__init__.py` is a name. Four marks and more are text.
 * - A mark with nothing behind it, as `#` alone in its paragraph, is a character.
 * - `<br>` in the cell of a table ends a line; all other HTML is text. `&amp;`, `&lt;`, `&gt;`, `&quot;`, `&apos;` and `&nbsp;` are
 *   characters, no other entity is.
 * - Words behind the marks of a code fence are shown before the code.
 * - An answer that begins with a ```` ```markdown ```` fence is shown without it.
 * - Each end of a line is one. Code needs a fence. Links need a whole address.
 */
export class MarkdownView {
  /**
   * From now on the children of `container` belong to the view. With `copyCode` each block of code gets an empty
   * `button.copyCode`; its label and what it does are the page's.
   */
  constructor(container: Element, options?: { copyCode?: boolean });
  /**
   * Shows a text: the whole text so far, or another one. Where it only grew, what is finished is not looked at again,
   * and nodes that are still right stay, with a selection or the focus in them.
   *
   * While a text is being written, what is open at its end, as in `**bol`, is shown as if it were closed, and a mark
   * that may become anything is not shown yet. `whole` says that no more comes: then a mark without its counterpart is
   * a character like any other. `level` is that of the first heading, 2 to 6, and of those with as many marks or fewer;
   * without it `#` is `h3`.
   */
  update(text: string, options?: { whole?: boolean; level?: number }): void;
}
