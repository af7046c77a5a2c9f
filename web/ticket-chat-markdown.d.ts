/* The types of ticket-chat-markdown.js. */

/**
 * Shows Markdown of a language model in an element while it is written. Whatever the text is, all that comes of it is
 * `p`, `h3` to `h6`, `ul`, `ol`, `li`, `blockquote`, `pre` (its language in `data-language`), `code`, `em`, `strong`,
 * `del`, `br`, `hr`, `a` (with the host in a `bdi` where the label does not tell it), and `table`, `tr`, `th`, `td`
 * (`data-align` "center" or "right") in a `div` with `role=region`, which is to scroll. It brings no styles.
 */
export class MarkdownView {
  /** From now on the children of `container` belong to the view. */
  constructor(container: Element);
  /**
   * Shows a text: the whole text so far, or another one. Where it only grew, what is finished is not looked at again,
   * and nodes that are still right stay, with a selection or the focus in them.
   *
   * While a text is being written, what is open at its end, as in `**bol`, is shown as if it were closed, and a mark
   * that may become anything is not shown yet. `whole` says that no more comes: then a mark without its counterpart is
   * a character like any other.
   */
  update(text: string, options?: { whole?: boolean }): void;
}
