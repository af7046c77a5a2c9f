/* The types of ticket-chat-markdown.js. */

/**
 * Shows Markdown of a language model in an element while it is written. Whatever the text is, it creates only
 * `p`, `h3` to `h6`, `ul`, `ol`, `li`, `blockquote`, `pre` (its language in `data-language`), `code`, `em`, `strong`,
 * `del`, `br`, `hr`, `a` (with the host in a `bdi` if the label does not show it), and `table`, `tr`, `th`, `td`
 * (`data-align` "center" or "right") in a `div` with `role=region`, which should scroll. It adds no styles.
 *
 * It is CommonMark with the tables of GitHub, except for rules that would damage the answer of a help desk:
 *
 * - A backslash before punctuation is an escape (`\*`, `snake\_case`), but in a path it is a backslash, and what follows
 *   it is not a mark: `C:\Temp\*.*`, `\\fs01\dept$\_scans`. A word is a path if it has a backslash before a letter or digit or
 *   after a `$`, `\*.` or `\.` with more after it, or begins with a drive, `\\`, `HK…\`, `%NAME%\`, `$name\`, `~\`, `.\` or
 *   `..\`; so are the words after a drive, server, hive or variable to the end of the line or sentence, because a path
 *   may contain blanks. `\*` at the end of a word is a wildcard unless another `\*` opened before it.
 * - `2*3*4` multiplies, `*.*` and `*.tmp` are wildcards, `__init__.py` is a name. Four or more marks are text.
 * - A mark with nothing after it, such as `#` alone in its paragraph, is a character.
 * - `<br>` in the cell of a table ends a line; all other HTML is text. `&amp;`, `&lt;`, `&gt;`, `&quot;`, `&apos;` and `&nbsp;` are
 *   characters; other entities are not.
 * - Words after the marks of a code fence are shown before the code.
 * - An answer that begins with a ```` ```markdown ```` fence is shown without it.
 * - Each end of a line is a line break. Code needs a fence. Links need a whole address.
 */
export interface MarkdownNode {
  tag: string;
  children: (MarkdownNode | string)[];
  attributes: Record<string, string | undefined>;
}

export class MarkdownView {
  /**
   * From now on the children of `container` belong to the view. With `copyCode` each block of code gets an empty
   * `button.copyCode`; the page adds its label and its function.
   */
  constructor(container: Element, options?: { copyCode?: boolean });
  /**
   * Shows a text: the whole text so far, or another text. If the text only grew, its finished part is not parsed again,
   * and nodes that are still right stay, together with a selection or the focus in them.
   *
   * While a text is being written, an open mark at its end, as in `**bol`, is shown as if it were closed, and a mark
   * whose meaning is not known yet is not shown. `whole` says that the text is complete: then a mark without its
   * counterpart is an ordinary character. `level` (2 to 6) is the level of the first heading, and of all headings with as
   * many marks or fewer; without it `#` becomes `h3`. `adapt` may change the nodes, each `{ tag, children, attributes }`
   * or a string, before they become the DOM; another function renders the whole text again.
   */
  update(text: string, options?: { whole?: boolean; level?: number; adapt?: (nodes: MarkdownNode[]) => void }): void;
}
