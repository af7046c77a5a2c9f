/* A constructed style sheet works under every Content-Security-Policy. */
const CSS = `
:host {
  --text: var(--ticket-chat-text, light-dark(#1f2328, #e6e8eb));
  --muted: var(--ticket-chat-muted, light-dark(#59636e, #a3abb5));
  --background: var(--ticket-chat-background, light-dark(#fff, #16191d));
  --border: var(--ticket-chat-border, light-dark(#d5d9de, #3a4048));
  --accent: var(--ticket-chat-accent, light-dark(#0b57d0, #8ab4ff));
  --on-accent: var(--ticket-chat-on-accent, light-dark(#fff, #0d1117));
  --good: var(--ticket-chat-good, light-dark(#1a7f37, #6fd18a));
  --warning: var(--ticket-chat-warning, light-dark(#8a5300, #f0b860));
  --error: var(--ticket-chat-error, light-dark(#b3261e, #ff9a92));
  display: block;
}
[hidden], :host([hidden]) { display: none !important; }
.chat {
  font: var(--ticket-chat-font, 1em/1.6 system-ui, sans-serif);
  text-align: start;
  white-space: normal;
  color: var(--text);
  background: var(--background);
  border: 1px solid var(--border);
  border-radius: var(--ticket-chat-radius, 12px);
  overflow: clip;
  padding: 0 1.25em;
}
.idle { height: 0; border: 0; }
.head {
  display: grid;
  grid-template-columns: auto 1fr auto;
  gap: 0 .625em;
  align-items: start;
  margin: 0 -1.25em;
  padding: .75em 1.25em;
  background: var(--background);
}
.busy .head { align-items: center; position: sticky; top: 0; z-index: 1; }
.error .head, .warning .head { background: color-mix(in srgb, var(--tone) 7%, var(--background)); }
.status { margin: 0; padding: .25em 0; line-height: 1.5; overflow-wrap: anywhere; }
.hint { display: block; }
.ticket { flex-basis: 100%; font-weight: 600; }
.draft, .instructed { margin: 0; padding-bottom: 1em; font-size: .875em; white-space: pre-wrap; overflow-wrap: anywhere; }
:is(.draft, .instructed):empty { display: none; }
.hint, .notice, .time, .draft, .instructed, .version, .answer :is(bdi, blockquote) { color: var(--muted); }
.lines { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 .625em; }
.time:empty { display: none; }
.time, .ticket, .version { font-size: .875em; font-variant-numeric: tabular-nums; }
.copied { position: fixed; opacity: 0; }
.chat { --tone: var(--muted); --sign: "–"; }
.good { --tone: var(--good); --sign: "✓"; }
.warning { --tone: var(--warning); --sign: "!"; }
.error { --tone: var(--error); --sign: "!"; }
.busy { --tone: var(--accent); --sign: none; }
.indicator { display: grid; place-items: center; box-sizing: border-box; width: 1.5em; height: 1.5em; margin-top: .625em;
  border: 1.5px solid var(--tone); border-radius: 50%; color: var(--tone); font-size: .75em; font-weight: 700; line-height: 1; }
.indicator::before { content: var(--sign); }
.busy .indicator { margin: 0; border-width: 2px; border-right-color: transparent; animation: turn .9s linear infinite; }
@keyframes turn { to { rotate: 1turn; } }
.actions { grid-column: 2 / -1; display: flex; flex-wrap: wrap; gap: .5em; padding: .25em 0; }
.foot { display: flex; flex-wrap: wrap; align-items: center; gap: .5em; padding: .75em 0; border-top: 1px solid var(--border); }
.version { display: flex; align-items: center; gap: .25em; margin-left: auto; }
button, input, select, textarea {
  box-sizing: border-box;
  font: inherit;
  font-size: .875em;
  line-height: 1.25;
  min-height: max(2.25em, 24px);
  min-width: max(2.25em, 24px);
  padding: .25em .75em;
  color: var(--text);
  background: transparent;
  border: 1px solid var(--border);
  border-radius: 8px;
  cursor: pointer;
}
button:hover { border-color: currentColor; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.actions .refresh, .retry, .ask { color: var(--on-accent); background: var(--accent); border-color: var(--accent); }
button[aria-disabled=true] { color: var(--muted); background: transparent; border: 1px dashed var(--border); cursor: default; }
.version button { padding: 0; border-color: transparent; font-size: 1.25em; }
@media (pointer: coarse) { button, input, select { min-height: 44px; min-width: 44px; } }
.answer { padding: .25em 0 1em; overflow-wrap: anywhere; }
:is(.error, .warning) .answer { padding-top: 1em; }
.answer a { color: var(--accent); scroll-margin-top: 5em; }
.answer.old, .answer.old * { color: var(--muted); }
.answer > :first-child { margin-top: 0; }
.answer > :last-child { margin-bottom: 0; }
.answer :is(p, ul, ol, pre, blockquote, hr, div) { margin: .75em 0; }
.answer :is(h2, h3, h4, h5, h6) { margin: 1.25em 0 .5em; font-size: 1.0625em; line-height: 1.3; }
.answer h2 { font-size: 1.375em; }
.answer h3 { font-size: 1.25em; }
.answer :is(p, h2, h3, h4, h5, h6, th, td) { unicode-bidi: plaintext; }
.answer :is(ul, ol) { padding-inline-start: 1.5em; }
.answer li, .answer li > :is(ul, ol) { margin: .25em 0; }
.answer :is(code, pre) { font-family: ui-monospace, monospace; font-size: .875em;
  background: color-mix(in srgb, var(--text) 8%, transparent); border-radius: 4px; }
.answer code { padding: .125em .3125em; }
.answer pre { display: flow-root; padding: .75em 1em; white-space: pre-wrap; border-radius: 8px; }
.answer :is(pre, code) { direction: ltr; text-align: left; unicode-bidi: isolate; }
.answer pre code { padding: 0; font-size: 1em; background: none; }
.answer pre[data-language]::before { content: attr(data-language); display: block; padding-bottom: .25em; color: var(--muted); }
.copyCode { float: right; margin: 0 0 0 .5em; font-family: system-ui, sans-serif; background: var(--background); user-select: none; }
pre[data-language] .copyCode { margin-top: -2em; }
.copyCode::before { content: attr(aria-label); }
.answer blockquote { margin-inline-start: 0; padding-inline-start: 1em; border-inline-start: 3px solid var(--border); }
.answer div { overflow-x: auto; overflow-wrap: normal; }
.answer table { border-collapse: collapse; }
.answer :is(th, td) { padding: .375em .625em; border: 1px solid var(--border); text-align: start; }
[data-align=center] { text-align: center !important; }
[data-align=right] { text-align: right !important; }
.answer hr { border: 0; border-top: 1px solid var(--border); }
@media (prefers-reduced-motion: reduce) { .indicator { animation: none !important; } }
@media print { :host { color-scheme: light; } .foot, .actions, button, form { display: none !important; } .chat { border: 0; padding: 0; } }
`;

/* Shared by all elements; created with the first one, because a server has none. */
export const sheetOf = (css, sheet) => () => {
  if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(css);
  return sheet;
};

export const styleSheet = sheetOf(CSS);
