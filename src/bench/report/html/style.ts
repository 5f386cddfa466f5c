/* The look of a page of results: light and dark, from a phone's width up. */

export const PALETTE_SIZE = 6;

export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --text: #1b1f24; --soft: #5b6570; --rule: #dfe3e8;
  --good: #17753b; --bad: #b3261e; --on-verdict: #fff;
  --c0: #2563c9; --c1: #c2570c; --c2: #16803c; --c3: #9a3fb5; --c4: #8a6d00; --c5: #00798c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --card: #1d2126; --text: #e6e9ed; --soft: #9aa5b1; --rule: #343a42;
    --good: #7fd49b; --bad: #ff9b92; --on-verdict: #14171b;
    --c0: #79aaff; --c1: #ff9f5a; --c2: #6fd08c; --c3: #d99cf0; --c4: #e2c14b; --c5: #5fd0e0;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1200px; margin: 0 auto; padding: 20px 16px 48px; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 0 0 10px; }
header { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; margin-bottom: 4px; }
.verdict {
  padding: 1px 12px; border-radius: 99px; font-weight: 600; color: var(--on-verdict);
}
.verdict.valid { background: var(--good); }
.verdict.void { background: var(--bad); }
.soft { color: var(--soft); margin: 0 0 16px; overflow-wrap: anywhere; }
.card {
  background: var(--card); border: 1px solid var(--rule); border-radius: 10px;
  padding: 16px; margin: 0 0 16px; min-width: 0;
}
.card.void { border-color: var(--bad); }
.grid { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0 16px; align-items: start; }
@media (min-width: 900px) { .grid { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
.wide { grid-column: 1 / -1; }
.heads { display: grid; grid-template-columns: repeat(auto-fill, minmax(130px, 1fr)); gap: 10px 16px; }
.heads b { display: block; font-size: 1.6rem; line-height: 1.2; font-weight: 650; }
.heads span { color: var(--soft); font-size: 0.9rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 0 3px 14px; text-align: right; border-bottom: 1px solid var(--rule); }
th { font-weight: 600; color: var(--soft); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.figures tr:not(:first-child) > th { padding-top: 18px; }
@media (max-width: 500px) {
  .figures { font-size: 13px; }
  .figures th, .figures td { padding-left: 8px; }
}
td.part { padding-left: 16px; color: var(--soft); }
tr:last-child td { border-bottom: 0; }
.pairs td { text-align: left; vertical-align: top; overflow-wrap: anywhere; }
.pairs td:first-child { color: var(--soft); white-space: nowrap; }
.split { display: flex; height: 30px; border-radius: 6px; overflow: hidden; gap: 2px; }
.split i { display: block; min-width: 2px; }
.key { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 10px 0 0; padding: 0; list-style: none; }
.key i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 7px; }
details summary { cursor: pointer; font-weight: 600; }
details table { margin-top: 8px; }
.chart { min-height: 240px; }
.uplot, .u-legend { font: inherit !important; color: var(--text); }
.u-legend { text-align: left !important; font-size: 13px !important; }
.u-legend tr, .u-legend td, .u-legend th {
  border: 0; color: var(--text); font-weight: 400; width: auto;
}
.u-legend .u-value { font-variant-numeric: tabular-nums; }
.u-hz .u-cursor-x, .u-hz .u-cursor-y { border-color: var(--soft) !important; }
`;
