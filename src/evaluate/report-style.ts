/** The report's looks; colours that are readable on light and on dark. */
export const STYLE = `
:root { color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --line: #e2e5ea; --ink: #1b2230; --quiet: #5b6577;
  --accent: #2f6fed; --bad: #b3261e; --bad-soft: #fde8e6; --good: #146c43; --good-soft: #dcf3e6; --notice: #fff4d6; }
@media (prefers-color-scheme: dark) { :root { --page: #12151b; --card: #1b2029; --line: #2e3542; --ink: #e8ebf1; --quiet: #9aa5b8;
  --accent: #7aa7ff; --bad: #ffb4ab; --bad-soft: #4a1f1c; --good: #8fdcb1; --good-soft: #123b28; --notice: #40351a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "Noto Sans CJK SC", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { margin: .1rem 0 .2rem; font-size: 2rem; line-height: 1.2; letter-spacing: -.02em; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .75rem; font-size: 1.25rem; }
h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
p { margin: 0; }
.eyebrow { color: var(--accent); font-weight: 600; font-size: .85rem; letter-spacing: .04em; }
.quiet { color: var(--quiet); font-size: .9rem; }
.notice { margin-top: 1.25rem; padding: .75rem 1rem; border-radius: .6rem; background: var(--notice); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: 1rem; margin-top: 1.5rem; }
.tile, figure, .card { background: var(--card); border: 1px solid var(--line); border-radius: .8rem; padding: 1rem 1.15rem; }
.tile .label { color: var(--quiet); font-size: .85rem; font-weight: 600; }
.tile .value { font-size: 2rem; font-weight: 650; letter-spacing: -.02em; font-variant-numeric: tabular-nums; }
.tile.main .value { color: var(--accent); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem; margin-top: 1rem; }
figure { margin: 0; }
figcaption { font-weight: 600; margin-bottom: .5rem; }
svg { display: block; width: 100%; height: auto; }
.bar, .dot { fill: var(--accent); }
.dot { fill-opacity: .55; }
.grid { stroke: var(--line); stroke-width: 1; }
.tick { fill: var(--quiet); font-size: 12px; }
.axis { fill: var(--quiet); font-size: 13px; font-weight: 600; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; background: var(--card); border: 1px solid var(--line); border-radius: .8rem; }
th, td { padding: .55rem .9rem; text-align: left; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--quiet); font-size: .85rem; }
.card { margin-top: .75rem; }
.rate { display: inline-block; min-width: 4.5rem; color: var(--bad); font-variant-numeric: tabular-nums; }
.diff { margin-top: .5rem; line-height: 1.9; overflow-wrap: anywhere; }
del, ins { padding: .1rem .3rem; border-radius: .3rem; }
del { background: var(--bad-soft); color: var(--bad); }
ins { background: var(--good-soft); color: var(--good); text-decoration: none; }
.failures { padding-left: 1.2rem; overflow-wrap: anywhere; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem; }
`;
