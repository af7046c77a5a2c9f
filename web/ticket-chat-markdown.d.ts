/* The types of ticket-chat-markdown.js. */

/**
 * Markdown of a language model in an element, while it is written. What it makes is `p`, `h3` to `h6`, `ul`, `ol`,
 * `li`, `blockquote`, `pre` (with `data-language`), `code`, `em`, `strong`, `del`, `br`, `hr`, `a` (with a `bdi` for its
 * host) and tables in a `div` with `role=region` that may scroll (cells with `data-align`): nothing else, whatever the
 * text is, without styles of its own.
 */
export class MarkdownView {
  /** From now on the children of `container` are this view's. */
  constructor(container: Element);
  /** Shows a text: the whole text so far, or another one. Cheap where it only grew. */
  update(text: string): void;
}
