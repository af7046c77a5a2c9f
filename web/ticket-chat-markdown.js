/* Stands in for the renderer that is being written. */
export class MarkdownView {
  constructor(container) {
    this.container = container;
  }
  update(text) {
    this.container.textContent = text;
  }
}
